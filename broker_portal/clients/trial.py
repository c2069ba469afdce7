"""*Try login*: the portal plays the client. What it must remember is in the session; the code is spent in process, without a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpResponse

from authflows import configuration
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError, Stale
from authflows.oidc import token
from authflows.oidc import trial as request
from authflows.oidc.families import SCOPES
from broker_portal.clients import registry
from broker_portal.clients.registry import ClientFacts
from broker_portal.middleware import CONTENT_SECURITY_POLICY
from tenants.models import Kind

SESSION_KEY = "trials"
AT_ONCE = 5
# Claims of the protocol rather than of the person; they stand in the decoded id_token.
OF_THE_PROTOCOL = ("iss", "aud", "iat", "exp", "nonce", "at_hash", "sid")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is kept until the browser comes back; `spent` from then on, so that a reload is told from a stranger."""

    tenant: str
    environment: str
    client_id: str
    nonce: str
    verifier: str
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What the client was given, or told instead. `claims` and `id_token` (its payload) only where the login completed."""

    claims: dict[str, Any]
    id_token: dict[str, Any]
    error: str = ""
    error_description: str = ""


def allowed(kind: str) -> bool:
    """Where nobody but invented people logs in: the result shows a name."""
    return kind == Kind.TEST or bool(settings.DEMO)


def begin(session: SessionBase, tenant: str, environment: str, client: ClientFacts) -> str:
    """The address of the authorization request, marked as a trial."""
    state = secrets.token_urlsafe(24)
    trial = Trial(tenant, environment, client.client_id, secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    kept = dict(list(session.get(SESSION_KEY, {}).items())[-(AT_ONCE - 1) :])
    session[SESSION_KEY] = kept | {state: asdict(trial)}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(trial.verifier.encode()).digest()).rstrip(b"=").decode()
    issuer = configuration.url_of(registry.issuer_of(client))
    return f"{issuer}/authorize?{request.query(client.client_id, client.scopes, state, trial.nonce, challenge)}"


def find(session: SessionBase, state: str) -> Trial | None:
    found = session.get(SESSION_KEY, {}).get(state)
    return Trial(**found) if found else None


def spend(session: SessionBase, state: str) -> None:
    """Once: a code that comes back a second time would end what the first was given."""
    session[SESSION_KEY] = session[SESSION_KEY] | {state: session[SESSION_KEY][state] | {"spent": True, "verifier": "", "nonce": ""}}


def result(trial: Trial, client: ClientFacts, answer: dict[str, str]) -> Result:
    """Of the answer that the browser brought back, as a client would read it (RFC 6749 4.1.2, RFC 9207)."""
    issuer = configuration.load(registry.issuer_of(client))
    if answer.get("iss") != issuer.url:
        return Result({}, {}, "invalid_response", "iss is another issuer's")
    if "code" not in answer:
        return Result({}, {}, answer.get("error", "invalid_response"), answer.get("error_description", ""))
    try:
        id_token = _redeemed(issuer, trial, answer["code"])
    except JsonError as refusal:
        return Result({}, {}, refusal.error, refusal.description)
    except Stale:
        return Result({}, {}, "temporarily_unavailable", "the client was changed meanwhile")
    told = {name: value for name, value in id_token.items() if name not in OF_THE_PROTOCOL}
    return Result({name: told[name] for name in sorted(told, key=_place)}, id_token)


def _place(name: str) -> tuple[int, int]:
    """Who it is before how they showed it: by scope, and as the scope names them."""
    for number, scope in enumerate(("profile", "mitid", "openid"), 1):
        if name in SCOPES[scope]:
            return number, SCOPES[scope].index(name)
    return 0, 0


def _redeemed(issuer: IssuerConfig, trial: Trial, code: str) -> dict[str, Any]:
    client = configuration.client(issuer, trial.client_id)
    if client is None:
        raise JsonError("invalid_client", "the client was closed meanwhile")
    answer = token.redeem_trial(issuer, client, code, trial.verifier)
    payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(answer["id_token"].split(".")[1] + "=="))
    if not hmac.compare_digest(str(payload.get("nonce", "")), trial.nonce):
        raise JsonError("invalid_grant", "the nonce is another request's")
    return payload


def as_text(value: Any) -> str:
    """A claim as a table shows it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def rounded(seconds: float | None) -> Decimal | None:
    return None if seconds is None else Decimal(str(seconds)).quantize(Decimal("0.01"))


def ends_elsewhere(response: HttpResponse) -> HttpResponse:
    """No form-action on a page with *Try login*: Chromium applies it to the redirect to the issuer (decision 17)."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace("form-action 'self'; ", "")
    return response
