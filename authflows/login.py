"""The engine of a login: the only writer of its state, the only caller of metering. Steps never call each other; `journey` does.

created ─ requesting ─ requested ─ completed
   │ └──(too low)──│──────┘  │
   │           └─(refused)─┐  └────┐
   └──────────────────────failed───┘
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from django.conf import settings

from authflows import levels, pauses, sealing, store, subjects
from authflows.configuration import Client, IssuerConfig, Upstream
from authflows.errors import ENDINGS, PageError, Stale
from authflows.identity import Identity
from authflows.levels import Level
from authflows.models import CoreState, LoginState
from authflows.requests import NO_HINTS, SEALED_HINTS, Hints, LoginRequest
from authflows.sessions import Opening
from authflows.store import StoredLogin
from billing.metering import UsageEvent
from tenants import limits
from tenants.ids import uuid7


@dataclass(frozen=True)
class Browser:
    """The browser's half of a Login: a handle that is in its address and a secret in its cookie. What derives from it is derived once."""

    handle: str
    secret: str

    @classmethod
    def fresh(cls) -> Browser:
        return cls(secrets.token_urlsafe(16), secrets.token_urlsafe(32))

    @cached_property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    @cached_property
    def form_token(self) -> str:
        """Proves that a form came from a page that this browser was given (decision 26)."""
        return self._derived("form-token")

    @cached_property
    def code(self) -> str:
        """The authorization code that completing this Login gives: made again for a repeated request, kept nowhere."""
        return self._derived("code")

    @cached_property
    def session(self) -> str:
        """The secret of the session that completing this Login leaves in the browser."""
        return self._derived("session")

    def upstream(self, core_session: uuid.UUID) -> str:
        """What state, nonce and verifier of one request to an upstream are derived from."""
        return self._derived(f"upstream:{core_session}")

    def _derived(self, purpose: str) -> str:
        return urlsafe_b64encode(sealing.derive(self.secret, f"{purpose}:{self.handle}")).rstrip(b"=").decode()

    def owns(self, form_token: str) -> bool:
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())


def begin(issuer: IssuerConfig, client: Client, request: LoginRequest, *, address: str, trace_id: str) -> Browser:
    """Stores the request and gives the browser its half. Raises Stale, and PageError where a limit is exceeded."""
    browser = Browser.fresh()
    begun = store.begin(
        issuer.tenant_id,
        {
            "id": uuid7(),
            "environment": issuer.environment_id,
            "issuer": issuer.id,
            "version": issuer.version,
            "relying_party": client.relying_party_id,
            "handle": browser.handle,
            "browser_hash": browser.hash,
            "request": _stored(request, browser),
            "trace_id": trace_id,
            "trial": request.trial,
            "seconds": settings.LOGIN_SECONDS,
        },
        limits.buckets([("authorize.address", address), ("authorize.relying_party", str(client.relying_party_id))]),
    )
    if begun.over_limit:
        raise PageError("too_many_requests", 429)
    return browser


def _stored(request: LoginRequest, browser: Browser) -> dict[str, Any]:
    if not request.hints:
        return request.as_json()
    sealed = sealing.seal(asdict(request.hints), browser.secret, SEALED_HINTS)
    return request.as_json() | {SEALED_HINTS: b64encode(sealed).decode()}


def hints(found: StoredLogin, browser: Browser) -> Hints:
    """Who is expected, where the request said so: only the browser that began the Login opens it."""
    sealed = found.request.get(SEALED_HINTS)
    return Hints(**sealing.unseal(b64decode(sealed), browser.secret, SEALED_HINTS)) if sealed else NO_HINTS


def requesting(issuer: IssuerConfig, browser: Browser, *, address: str) -> StoredLogin | None:
    """Commits a new CoreSession where the Login waits for one; otherwise finds the Login as it is."""
    buckets = limits.buckets([("core.address", address), ("core.relying_party", "")])
    found = store.requesting(issuer.tenant_id, issuer.id, issuer.version, browser.handle, browser.hash, uuid7(), buckets)
    if found is not None and found.over_limit:
        raise PageError("too_many_requests", 429)
    return _current(issuer, found)


def read(issuer: IssuerConfig, browser: Browser) -> StoredLogin | None:
    return _current(issuer, store.read(issuer.tenant_id, issuer.id, browser.handle, browser.hash))


def _current(issuer: IssuerConfig, found: StoredLogin | None) -> StoredLogin | None:
    """Raises Stale where the issuer has changed since this process read it."""
    if found is not None and found.issuer_version != issuer.version:
        raise Stale
    return found


def choose(issuer: IssuerConfig, found: StoredLogin, upstream: Upstream) -> None:
    """By which of several connections the person wants to log in."""
    pauses.choose(issuer.tenant_id, found.id, upstream.id)


def requested(issuer: IssuerConfig, found: StoredLogin, upstream: Upstream, core_id: str) -> None:
    """The core accepted: from here on the request is owed for, whatever becomes of it."""
    store.requested(issuer.tenant_id, event(issuer, found, upstream), core_id)


def event(issuer: IssuerConfig, found: StoredLogin, upstream: Upstream) -> UsageEvent:
    """The authentication request as billing counts it."""
    assert found.core_session is not None
    return UsageEvent(
        tenant_id=issuer.tenant_id,
        operator_id=issuer.operator_id,
        request_id=found.core_session,
        environment_id=issuer.environment_id,
        relying_party_id=found.relying_party_id,
        connection_id=upstream.id,
        action=found.request["action"],
        usage_model=upstream.usage_model,
        core_client=upstream.core_client,
    )


def refused(issuer: IssuerConfig, found: StoredLogin, error: str) -> None:
    """The core did not accept the request: the Login has failed, nothing is owed."""
    assert found.core_session is not None
    ending = ENDINGS["core_error"]
    store.refused(issuer.tenant_id, found.core_session, outcome=ending.outcome, error=error[:50], answer={"ending": "core_error"})


def confirm(tenant_id: uuid.UUID, asked: UsageEvent, core_id: str | None) -> None:
    """What the core said of a request whose answer was lost: its id there, or None where it never heard of it."""
    if core_id is None:
        store.unknown_to_core(tenant_id, asked.request_id)
    else:
        store.requested(tenant_id, asked, core_id)


def achieved(identity: Identity, upstream: Upstream) -> Level:
    """What may be asserted of this identity: its own level, the connection's cap and what the operator is notified for."""
    notified = Level[settings.NSIS_CAP[identity.kind].upper()]
    return levels.loa(identity.ial, identity.aal, min(upstream.level_cap, notified))


def reachable(upstream: Upstream, kinds: Iterable[str] = ("private", "business")) -> Level:
    """The highest level that may be asserted of anybody who logs in by this connection as one of these kinds of identity."""
    return min(upstream.level_cap, max(Level[settings.NSIS_CAP[kind].upper()] for kind in kinds))


def is_person(issuer: IssuerConfig, identity: Identity, subject: str, told_as: dict[str, str]) -> bool:
    """Whether this identity is the one that the relying party, which is told subjects so, knows by this `sub`."""
    key = subjects.key(issuer.subject_secret, identity.kind, identity.national_id)
    return store.subject(issuer.tenant_id, issuer.environment_id, identity.kind, key, told_as) == subject


def complete(
    issuer: IssuerConfig,
    found: StoredLogin,
    identity: Identity,
    level: Level,
    *,
    answer: dict[str, Any],
    grant: dict[str, Any],
    session: Opening,
    nobody: bool = False,
) -> bool:
    """Compare and swap: whoever comes second changes nothing and repeats the first answer. For `nobody` no Subject is kept."""
    assert found.core_session is not None
    key = None if nobody else subjects.key(issuer.subject_secret, identity.kind, identity.national_id)
    return store.complete(
        issuer.tenant_id,
        store.Completion(
            login_id=found.id,
            core_session=found.core_session,
            environment_id=issuer.environment_id,
            subject_kind=identity.kind,
            subject_key=key,
            answer=answer,
            grant=grant | {"issuer": issuer.id, "relying_party": found.relying_party_id, "grant_id": uuid7()},
            authenticator="+".join(identity.authenticators),
            level=level.word,
            session=session,
        ),
    )


def fail(issuer: IssuerConfig, found: StoredLogin, ending: str) -> None:
    """Ends the Login as `ending`, a key of errors.ENDINGS."""
    accepted = found.core_session if found.core_state in (CoreState.ACCEPTED, CoreState.FINISHED) else None
    outcome = ENDINGS[ending].outcome
    store.fail(issuer.tenant_id, found.id, accepted, outcome=outcome, error=ending, answer={"ending": ending})


def too_low(issuer: IssuerConfig, found: StoredLogin, reached: Level) -> None:
    """What the core vouched for is not enough: the person decides whether it is asked once more."""
    assert found.core_session is not None
    pauses.too_low(issuer.tenant_id, found.id, found.core_session, answer={"reached": reached.word})


def reached(found: StoredLogin) -> Level | None:
    """The level that was too low, while the person decides."""
    word = (found.answer or {}).get("reached") if found.state == LoginState.CREATED else None
    return Level[word.upper()] if word else None


def ended(found: StoredLogin) -> bool:
    return found.state in (LoginState.COMPLETED, LoginState.FAILED)


def cookie_age() -> int:
    """A login's cookie outlives its Login by the life of a code, so that a late reload still repeats the answer."""
    return int(settings.LOGIN_SECONDS) + int(settings.CODE_SECONDS)
