"""We are an OpenID client of a certified broker or eID hub: code flow with PKCE, pushed where that is offered, verified like a stranger's.

Whoever is sent away takes nothing of ours along that is stored: state, nonce and verifier are derived from the browser's own secret and
the request's id, so that they are made again when the answer comes, and belong to no other browser and no other request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote_plus, urlencode

from authflows import keys, sealing
from authflows.identity import Identity
from authflows.upstream.base import Ask, Busy, Ended, Lost, Redirect, Refused, Started
from authflows.upstream.oidc import answers, metadata
from authflows.upstream.oidc.calls import Caller, Told, calling
from authflows.upstream.oidc.metadata import Metadata
from authflows.upstream.oidc.presets import PRESETS
from authflows.upstream.oidc.settings import OpenIDSettings, read

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
LONGEST_REFERENCE = 255
# RFC 6749 section 4.1.2.1, OpenID Connect Core 3.1.2.6, and the brokers' own codes in error_description. All others: core_error.
ENDINGS = {
    "access_denied": "core_cancelled",
    "unmet_authentication_requirements": "level",
    "mitid_user_aborted": "core_cancelled",
    "user_aborted": "core_cancelled",
    "mitid_core_client_error_user_abort": "core_cancelled",
    "mitid_timeout": "expired",
}
AUTH_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "acr", "azp", "auth_time")


class OpenIDClient:
    """Implements Upstream, Returns and LooksUp, for every connection of its kind: which one it is stands in the Ask."""

    def start(self, ask: Ask) -> Started:
        """Accepted when the pushed request was, or when the browser is sent off (docs/upstreams.md).

        Nobody at the upstream has been asked before the browser arrives there: an answer that did not come is a Refused, not a Lost.
        """
        try:
            pushed, sent = _sent_off(ask)
        except Busy:
            raise
        except Lost as lost:
            raise Refused(str(lost)) from None
        return Started(pushed or str(ask.reference), sent)

    def resume(self, ask: Ask, core_id: str) -> Redirect:
        """Pushed again where it was pushed: a reference may be good for one use."""
        return _sent_off(ask)[1]

    def look_up(self, reference: uuid.UUID, service: str) -> str | None:
        """A request whose answer we do not know of never sent a browser anywhere: nobody was asked."""
        return None

    def returned(self, ask: Ask, answer: Mapping[str, str]) -> str:
        settings = _settings(ask)
        if not hmac.compare_digest(answer.get("state", "").encode(), _state(ask).encode()):
            raise Lost("answer: the state is of another request")
        with _asking(ask, settings) as caller:
            known = metadata.of(settings.issuer, caller)
        # RFC 9207: an answer of another issuer must not be redeemed at this one.
        if answer.get("iss", "" if known.names_itself else settings.issuer) != settings.issuer:
            raise Lost("answer: iss is another issuer, or missing")
        if error := answer.get("error"):
            raise Ended(ENDINGS.get(answer.get("error_description", ""), ENDINGS.get(error, "core_error")))
        if not answer.get("code"):
            raise Lost("answer: neither code nor error")
        return answer["code"]

    def finish(self, ask: Ask, core_id: str, code: str) -> Identity:
        settings = _settings(ask)
        with _asking(ask, settings) as caller:
            known = metadata.of(settings.issuer, caller)
            tokens = _redeemed(ask, settings, known, caller(), code)
            claims = answers.verified(tokens.get("id_token"), _derived(ask, "nonce"), ask, settings, known, caller())
            if PRESETS[settings.preset].userinfo and known.userinfo:
                claims = _with_userinfo(claims, tokens.get("access_token"), known, caller())
        found = answers.identity(claims, settings)
        if not answers.is_expected(found, claims, ask):
            raise Ended("another_person")
        return found


def _sent_off(ask: Ask) -> tuple[str, Redirect]:
    """What the pushed request is called ("" where nothing is pushed), and where the browser goes."""
    settings, pushed = _settings(ask), ""
    parameters = _request(ask, settings)
    with _asking(ask, settings) as caller:
        known = metadata.of(settings.issuer, caller)
        if known.par and settings.par == "offered":
            pushed = _pushed(ask, settings, known, caller(), parameters)
    return pushed, Redirect(_address(known, settings, pushed, parameters))


def _settings(ask: Ask) -> OpenIDSettings:
    assert ask.via is not None
    return read(ask.via.settings)


@contextmanager
def _asking(ask: Ask, settings: OpenIDSettings) -> Iterator[Callable[[], Caller]]:
    """A place among those that ask, taken with the first call: a step that needs no call waits for nobody."""
    assert ask.via is not None
    connection, taken = ask.via.id, list[Caller]()
    with ExitStack() as stack:

        def caller() -> Caller:
            if not taken:
                taken.append(stack.enter_context(calling(connection, settings.seconds, settings.at_once)))
            return taken[0]

        yield caller


def _derived(ask: Ask, purpose: str) -> str:
    return sealing.derived_token(ask.secret, purpose)


def _state(ask: Ask) -> str:
    return f"{ask.handle}.{_derived(ask, 'state')}"


def _request(ask: Ask, settings: OpenIDSettings) -> dict[str, str]:
    preset = PRESETS[settings.preset]
    challenge = urlsafe_b64encode(hashlib.sha256(_derived(ask, "verifier").encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": ask.callback,
        "scope": settings.scope or preset.scope,
        "state": _state(ask),
        "nonce": _derived(ask, "nonce"),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        # Sessions are ours to reuse (decision 8): whoever is sent there logs in.
        "prompt": "login",
        **preset.ask(ask),
    }


def _address(known: Metadata, settings: OpenIDSettings, pushed: str, parameters: dict[str, str]) -> str:
    query = {"client_id": settings.client_id, "request_uri": pushed} if pushed else parameters
    return f"{known.authorization}{'&' if '?' in known.authorization else '?'}{urlencode(query)}"


def _pushed(ask: Ask, settings: OpenIDSettings, known: Metadata, caller: Caller, parameters: dict[str, str]) -> str:
    told = _authenticated(ask, settings, known.issuer, parameters, lambda form, headers: caller.post(known.par, "par", form, headers))
    reference = told.body.get("request_uri")
    if told.status not in (200, 201) or not isinstance(reference, str) or not 0 < len(reference) <= LONGEST_REFERENCE:
        raise Refused(f"par: {_error(told)}")
    return reference


def _redeemed(ask: Ask, settings: OpenIDSettings, known: Metadata, caller: Caller, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": ask.callback,
        "code_verifier": _derived(ask, "verifier"),
    }
    told = _authenticated(ask, settings, known.issuer, form, lambda form, headers: caller.post(known.token, "token", form, headers))
    if told.status == 400 and told.body.get("error") == "invalid_grant":
        raise Refused("token: invalid_grant")
    if told.status != 200:
        raise Lost(f"token: {_error(told)}")
    return told.body


def _error(told: Told) -> str:
    error = told.body.get("error", "")
    return f"status {told.status} {error if isinstance(error, str) and error.isidentifier() else ''}".strip()


def _authenticated(
    ask: Ask,
    settings: OpenIDSettings,
    audience: str,
    form: Mapping[str, str],
    post: Callable[[dict[str, str], dict[str, str]], Told],
) -> Told:
    """With the connection's own credentials (OpenID Connect Core section 9)."""
    assert ask.via is not None
    if settings.auth_method == "private_key_jwt":
        proof = {
            "client_id": settings.client_id,
            "client_assertion_type": ASSERTION,
            "client_assertion": _assertion(ask, settings, audience),
        }
        return post({**form, **proof}, {})
    if settings.auth_method == "client_secret_post":
        return post({**form, "client_id": settings.client_id, "client_secret": ask.via.secret}, {})
    # RFC 6749 section 2.3.1: both parts are form-encoded first.
    pair = f"{quote_plus(settings.client_id)}:{quote_plus(ask.via.secret)}"
    return post(dict(form), {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"})


def _assertion(ask: Ask, settings: OpenIDSettings, audience: str) -> str:
    assert ask.via is not None
    if ask.via.key is None:
        raise Lost("the connection has no key here")
    now = int(time.time())
    claims = {
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return keys.sign(ask.via.key, claims, alg=ask.via.key.alg)


def _with_userinfo(claims: dict[str, Any], access_token: Any, known: Metadata, caller: Caller) -> dict[str, Any]:
    """What userinfo adds; it never says otherwise who this is, for whom and when."""
    if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
        raise Lost("token: no access token that could be sent")
    told = caller.get(known.userinfo, "userinfo", {"Authorization": f"Bearer {access_token}"})
    if told.status != 200:
        raise Lost(f"userinfo: {_error(told)}")
    if told.body.get("sub") != claims["sub"]:
        raise Lost("userinfo: sub is somebody else")
    return {**told.body, **{name: value for name, value in claims.items() if name in AUTH_CLAIMS or name not in told.body}}
