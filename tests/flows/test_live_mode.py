"""A live installation, in a process of its own over the tests' database: what the demonstration may do, it refuses."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from typing import Any

import pytest

from tests.doubles.houses import House
from tests.harness.ground import Ground

STORY = """
import json, sys, django; django.setup()
from django.test import Client
from authflows import configuration, registration
from authflows.registration import Registration
from broker_portal.onboarding.opening import open_customer
from tenants import tenancy
from tests.doubles.relying_party import RelyingParty, REDIRECT_URI

told = {}
def ask(name, issuer, client_id):
    host, _, path = issuer.partition("://")[2].partition("/")
    party = RelyingParty(issuer, client_id, None, REDIRECT_URI, "none", None, None, None)
    answer = Client(headers={"host": host}).get(party.ask(scope="openid").url.partition(host)[2])
    told[name] = {"status": answer.status_code, "location": answer.headers.get("Location"), "cookie": answer.headers.get("Set-Cookie") or
                  answer.cookies.output(header="").strip(), "simulator": answer.headers.get("X-Broker-Simulator")}

opened = open_customer(tenancy.first_operator(), sys.argv[1], "Sundby")
for kind, environment in (("test", opened.test), ("production", opened.production)):
    made = registration.register(opened.tenant, environment, Registration("App", (REDIRECT_URI,), auth_method="none"))
    told[f"issuer of {kind}"] = made.issuer
    ask(kind, made.issuer, made.client_id)
ask("production of the demonstration", *json.loads(sys.argv[2]))
native = Registration("App", ("http://127.0.0.1/cb",), auth_method="none", application_type="native")
web = Registration("App", ("http://localhost/cb",))
for name, wanted in (("native", native), ("web", web)):
    for kind in ("test", "production"):
        try:
            registration.check(kind, wanted)
            told[f"http for {name} in {kind}"] = "accepted"
        except registration.Refused as refusal:
            told[f"http for {name} in {kind}"] = str(refusal)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(ground: Ground, fjordbank: House) -> dict[str, Any]:
    party = fjordbank.client("production", auth_method="none")
    live = {
        "BROKER_MODE": "live",
        "BASE_URL": "https://portal.broker.example",
        "ISSUER_DOMAIN": "login.broker.example",
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    done = subprocess.run(
        [sys.executable, "-c", STORY, f"sundby-{secrets.token_hex(4)}", json.dumps([party.issuer, party.client_id])],
        env=ground.environment(**live),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_production_is_refused_on_the_simulator(told: dict[str, Any]) -> None:
    """A new environment is not granted it; one that was granted it while the installation was a demonstration cannot use it."""
    for name in ("production", "production of the demonstration"):
        assert told[name]["status"] == 303
        assert "error=temporarily_unavailable" in told[name]["location"]
        assert told[name]["location"].startswith("https://netbank.fjordbank.example/callback?")
        assert told[name]["cookie"] == ""


def test_test_environments_keep_it(told: dict[str, Any]) -> None:
    assert told["test"]["status"] == 303
    assert told["test"]["location"].startswith("/login/")


def test_issuers_have_hosts_of_their_own_and_cookies_that_stay_there(told: dict[str, Any]) -> None:
    assert told["issuer of test"].endswith("-test.login.broker.example")
    assert told["issuer of production"].startswith("https://sundby-")
    cookie = told["test"]["cookie"]
    assert cookie.startswith("__Host-login-")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()


def test_http_addresses_are_for_native_apps_on_loopback(told: dict[str, Any]) -> None:
    assert told["http for native in test"] == told["http for web in test"] == told["http for native in production"] == "accepted"
    assert "http on loopback is for public native clients only" in told["http for web in production"]
