"""A login that the browser's session answers: nobody is asked, the core neither, so nothing is owed (decisions 8, 10 and 11)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from authflows import cookies, identified, levels, login, sealing, session_store, sessions, store, subjects
from authflows.configuration import Client, IssuerConfig, Upstream
from authflows.errors import PageError, RedirectError, Stale
from authflows.identity import Identity, methods
from authflows.levels import Level
from authflows.login import Browser
from authflows.models import LoginState
from authflows.oidc import claims as oidc_claims
from authflows.oidc import intake
from authflows.oidc import responses as oidc
from authflows.oidc.families import Facts
from authflows.oidc.responses import Answer
from authflows.requests import LoginRequest
from authflows.sessions import Opening
from authflows.store import StoredLogin
from tenants import limits
from tenants.ids import uuid7
from tenants.middleware import address_of

# What a session does not keep (decision 13): whoever asks for it meets the person.
NOT_KEPT = frozenset(("cpr", "cpr_status", "risk"))


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who somebody is, as a connection said in a core session, and what may be asserted of it today."""

    identity: Identity
    level: Level
    connection: Upstream
    core_session: uuid.UUID


@dataclass(frozen=True, slots=True)
class Remembered:
    session: uuid.UUID
    session_hash: bytes
    vouched: Vouched


def at_once(request: HttpRequest, issuer: IssuerConfig, client: Client, asked: LoginRequest, *, trace_id: str) -> Answer | None:
    """What a login ends with that its session completes as it begins; None where the person has to be asked.

    Raises RedirectError for a passive request that no session answers.
    """
    remembered = None if asked.force else _remembered(request, issuer, client, asked)
    if remembered is not None and levels.accept(remembered.vouched.level, asked.level):
        if "pushed" in asked.reply:
            _current(issuer)  # before it is used up
        browser, login_id = Browser.fresh(), uuid7()
        if not intake.use(issuer, asked, login_id):
            return oidc.fail(issuer, asked, "answered")
        if _stored(request, issuer, client, asked, remembered, browser, login_id, trace_id):
            return oidc.respond(issuer, asked, browser.code)
    elif remembered is not None and asked.passive:
        raise oidc.refusal(asked, "interaction_required", "the session does not reach the level that is needed")
    if asked.passive:
        raise _nobody(request, issuer, client, asked)
    return None


def _current(issuer: IssuerConfig) -> None:
    """Raises Stale where the issuer has changed since this process read it."""
    if store.version(issuer.id) != issuer.version:
        raise Stale


def _nobody(request: HttpRequest, issuer: IssuerConfig, client: Client, asked: LoginRequest) -> RedirectError:
    """What a browser that holds a session is told must not come from what was true before. Raises Stale."""
    if cookies.session_secret(request, issuer, client):
        _current(issuer)
    return oidc.refusal(asked, "login_required", "there is no session to reuse")


def of_stored(request: HttpRequest, issuer: IssuerConfig, client: Client, found: StoredLogin, browser: Browser) -> Answer | None:
    """The same for a Login that was begun by a POST: that brought no cookie, so that the session is met here first."""
    asked = LoginRequest.from_json(found.request)
    if found.state != LoginState.CREATED or asked.force:
        return None
    remembered = _remembered(request, issuer, client, asked)
    if remembered is None or not levels.accept(remembered.vouched.level, asked.level):
        return None
    columns = _columns(issuer, client, remembered, found.id)
    if not intake.use(issuer, asked, found.id):
        return None
    if not session_store.reuse_stored(issuer.tenant_id, columns, granted(client, asked, remembered.vouched, browser, found.id)):
        return None
    return oidc.respond(issuer, asked, browser.code)


def opening(request: HttpRequest, issuer: IssuerConfig, client: Client, browser: Browser, vouched: Vouched, *, alone: bool) -> Opening:
    """What a login that was just completed leaves behind."""
    before = "" if alone else cookies.session_secret(request, issuer, client)
    kept = sessions.kept(vouched.identity, vouched.connection.id, vouched.core_session)
    return Opening(
        holder=sessions.holder(client.relying_party_id, client.sso_group),
        hash=sessions.secret_hash(browser.session),
        was=sessions.secret_hash(before) if before else None,
        sealed=sealing.seal(kept, browser.session, "session") if vouched.connection.sso and not alone else None,
        seconds=settings.SESSION_SECONDS,
    )


def nobody(asked: LoginRequest) -> bool:
    return oidc_claims.only_age(asked.attributes, asked.claims)


def alone(asked: LoginRequest) -> bool:
    """A trial by the portal, and a login of nobody, meet nobody's session and leave none."""
    return asked.trial or nobody(asked)


def granted(client: Client, asked: LoginRequest, vouched: Vouched, browser: Browser, login_id: uuid.UUID) -> dict[str, Any]:
    """What a completed login gives the client, as columns of the Grant."""
    identity, level = vouched.identity, vouched.level
    idp = vouched.connection.kind if vouched.connection.kind != "simulator" else "mitid"
    facts = Facts(identity, level, login_id, vouched.core_session, idp, asked)
    known = oidc_claims.of(client, facts, asked.attributes, asked.claims)
    return oidc.grant(asked, browser.code) | {
        "acr": level.uri,
        "amr": methods(identity),
        "auth_time": identity.authenticated_at,
        "sealed": sealing.seal(known | oidc.asked(asked), browser.code, "code"),
        "code_seconds": settings.CODE_SECONDS,
    }


def _remembered(request: HttpRequest, issuer: IssuerConfig, client: Client, asked: LoginRequest) -> Remembered | None:
    """The browser's session with this client, where it lasts, is recent enough and its connection permits it."""
    secret = cookies.session_secret(request, issuer, client)
    if not secret or alone(asked) or oidc_claims.wanted(asked.attributes, asked.claims) & NOT_KEPT:
        return None
    holder = sessions.holder(client.relying_party_id, client.sso_group)
    known = session_store.lasting(
        issuer.tenant_id, issuer.environment_id, holder, sessions.secret_hash(secret), idle=settings.SESSION_IDLE_SECONDS
    )
    if known is None or known.sealed is None:
        return None
    try:
        kept = sealing.unseal(known.sealed, secret, "session")
    except InvalidTag:
        return None
    identity = Identity.from_json(kept["identity"])
    connection = _connection(issuer, client, kept["connection"])
    if identity.kind not in identified.kinds(asked, client):
        return None
    if connection is None or not sessions.recent_enough(identity.authenticated_at, asked.max_age, timezone.now()):
        return None
    if asked.subject and not login.is_person(issuer, identity, asked.subject, oidc.told_as(asked)):
        return None
    vouched = Vouched(identity, login.achieved(identity, connection), connection, uuid.UUID(kept["core_session"]))
    return Remembered(known.id, sessions.secret_hash(secret), vouched)


def _connection(issuer: IssuerConfig, client: Client, connection_id: str) -> Upstream | None:
    """The connection that vouched, while environment, client and connection still permit what it said to be used again."""
    for upstream in issuer.upstreams:
        if str(upstream.id) == connection_id and upstream.sso and (not client.methods or upstream.kind in client.methods):
            return upstream
    return None


def _stored(
    request: HttpRequest,
    issuer: IssuerConfig,
    client: Client,
    asked: LoginRequest,
    remembered: Remembered,
    browser: Browser,
    login_id: uuid.UUID,
    trace_id: str,
) -> bool:
    """Raises PageError where a limit is exceeded. False where the session has ended meanwhile, or what we know of the issuer is old."""
    columns = _columns(issuer, client, remembered, login_id) | {
        "handle": browser.handle,
        "browser_hash": browser.hash,
        "request": asked.as_json(),
        "trace_id": trace_id,
    }
    buckets = limits.buckets([("authorize.address", address_of(request)), ("authorize.relying_party", str(client.relying_party_id))])
    reused = session_store.reuse(issuer.tenant_id, columns, granted(client, asked, remembered.vouched, browser, login_id), buckets)
    if reused.over_limit:
        raise PageError("too_many_requests", 429)
    return reused.done


def _columns(issuer: IssuerConfig, client: Client, remembered: Remembered, login_id: uuid.UUID) -> dict[str, Any]:
    identity = remembered.vouched.identity
    return {
        "login": login_id,
        "session": remembered.session,
        "session_hash": remembered.session_hash,
        "environment": issuer.environment_id,
        "issuer": issuer.id,
        "version": issuer.version,
        "relying_party": client.relying_party_id,
        "key": subjects.key(issuer.subject_secret, identity.kind, identity.national_id),
    }
