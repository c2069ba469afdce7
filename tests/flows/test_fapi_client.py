"""The certified npm client openid-client with keys of its own: pushed, signed and bound as its documentation does it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import Key, KeyHolder, new_key
from tests.harness import node

# (algorithm of the client's key, how it asks, algorithm of its proofs, its switches)
KINDS = [
    ("ES256", "pushed", "ES256", {"fapi": True}),
    ("PS256", "pushed", "PS256", {"fapi": True, "id_token_alg": "PS256"}),
    ("ES256", "signed", "ES256", {"request_object_required": True, "dpop_required": True}),
    ("PS256", "signed", "", {"request_object_required": True}),
    ("ES256", "pushed", "", {"par_required": True}),
]


def conversation(asked: dict[str, Any], visitor: Browser) -> dict[str, Any]:
    """What the client learnt, with a person in between."""
    process = subprocess.Popen(
        [node.program(), "login.mjs"], cwd=node.CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        url = json.loads(process.stdout.readline())["url"]
        page = visitor.get(visitor.get(url).headers["Location"])
        process.stdin.write(json.dumps({"url": visitor.finish(visitor.submit(page, user_id="auto-approve"))}) + "\n")
        said: dict[str, Any] = json.loads(process.stdout.readline())
        return said
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("alg", "way", "dpop", "switches"), KINDS, ids=[f"{kind[0]} {kind[1]} {kind[2]}" for kind in KINDS])
def test_openid_client_with_a_key(alg: str, way: str, dpop: str, switches: dict[str, Any], fjordbank: House, visitor: Browser) -> None:
    key: Key = new_key() if alg == "ES256" else RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    holder = KeyHolder.at(fjordbank, key, scopes=("openid", "profile", "offline_access"), **switches)
    party = holder.party
    asked = {name: getattr(party, name) for name in ("issuer", "client_id", "redirect_uri", "auth_method")} | {
        "alg": switches.get("id_token_alg", "ES256"),
        "scope": "openid profile offline_access",
        "parameters": {},
        "refresh": True,
        "way": way,
        "dpop": dpop,
        "key": {"alg": alg, "jwk": key.as_dict(private=True)},
    }
    learnt = conversation(asked, visitor)
    assert "claims" in learnt, learnt
    assert (learnt["claims"]["aud"], learnt["userinfo"]["name"]) == (party.client_id, "Agnes Automatisk")
    expected = "dpop" if dpop else "bearer"
    assert [learnt[each]["token_type"].lower() for each in ("tokens", "refreshed", "looked_up")] == [expected] * 3
    assert learnt["afterwards"] == "unknown"
