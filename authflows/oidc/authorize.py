"""The authorization endpoint: from parameters to a LoginRequest (OpenID Connect Core 3.1.2, RFC 6749 4.1.1, RFC 7636, RFC 9700).

Nothing is redirected before `prove` has shown that the client exists and owns the redirect_uri; after it every error is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from authflows import levels, login, pages, store
from authflows.configuration import Client, IssuerConfig, Upstream
from authflows.configuration import client as find_client
from authflows.errors import PageError, RedirectError, Stale, UnregisteredRedirect
from authflows.levels import Level
from authflows.oidc import apis, claims, claims_request, hints, intake, responses
from authflows.oidc.claims_request import Malformed
from authflows.oidc.dialects.dialect import Reading, Unreadable, Way
from authflows.oidc.dialects.registry import DIALECTS
from authflows.oidc.intake import Came
from authflows.oidc.parameters import Parameters
from authflows.oidc.trial import trial_redirect
from authflows.requests import LOG_ON, LoginRequest

# There is no page of ours to consent on, nor one to choose an account: with each but none the person is asked in the box,
# whatever session there is.
PROMPTS = ("none", "login", "consent", "select_account", "consent_revoke")
LONGEST = {"state": 4096, "nonce": 1024, "scope": 1024, "acr_values": 1024, "login_hint": 2048, "ui_locales": 255, "prompt": 255}
LONE_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request whose client and redirect_uri are proven."""

    issuer: IssuerConfig
    client: Client
    parameters: Parameters
    redirect_uri: str
    trial: bool
    came: Came = intake.DIRECT
    identities: tuple[str, ...] = ()  # kinds that are asked for; none: whatever the client meets

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.client.identity_kinds if not self.identities or kind in self.identities)

    @property
    def state(self) -> str | None:
        return self.parameters.get("state") or None

    @property
    def scopes(self) -> list[str]:
        return self.parameters.get("scope").split()

    @property
    def prompts(self) -> list[str]:
        return self.parameters.get("prompt").split()

    @property
    def response_mode(self) -> str:
        """How errors leave too; by query where the client did not say which of our modes it wants."""
        value = self.parameters.get("response_mode")
        return value if value in responses.MODES and "response_mode" not in self.parameters.repeated else "query"

    def refuse(self, error: str, description: str) -> RedirectError:
        return RedirectError(error, description, self.redirect_uri, self.state, self.response_mode, self.client.client_id)


def begin(issuer: IssuerConfig, parameters: Parameters, browser_language: str) -> tuple[Client, LoginRequest]:
    """Raises PageError until client and redirect_uri are proven, RedirectError from then on; Stale where that was by an old memory."""
    with as_things_are(issuer):
        sent = _received(issuer, parameters)
        asked, reading = understood(sent)
    return asked.client, _request(asked, reading, sent.scopes, browser_language)


@contextmanager
def as_things_are(issuer: IssuerConfig) -> Iterator[None]:
    """A refusal holds only if nothing has changed since this process read what it was refused by. Raises Stale."""
    try:
        yield
    except (PageError, RedirectError):
        if store.version(issuer.id) != issuer.version:
            raise Stale from None
        raise


def understood(sent: Asked) -> tuple[Asked, Reading]:
    """The request in native terms, which are all that the checks see: a dialect changes names and shapes, never a check.

    Raises RedirectError.
    """
    for check in BEFORE_READING:
        check(sent)
    try:
        reading = DIALECTS[sent.client.dialect].read(sent.parameters, Way(sent.came.confidential, sent.came.signed))
    except Unreadable as problem:
        raise sent.refuse("invalid_request", str(problem)) from None
    asked = replace(sent, parameters=reading.applied(sent.parameters, sent.client.scopes), identities=reading.identities)
    for check in CHECKS:
        check(asked)
    return asked, reading


def _received(issuer: IssuerConfig, parameters: Parameters) -> Asked:
    try:
        return prove(issuer, *intake.received(issuer, parameters))
    except intake.Unusable as problem:
        raise _unusable(issuer, parameters, problem) from None


def _unusable(issuer: IssuerConfig, parameters: Parameters, problem: intake.Unusable) -> PageError | RedirectError:
    """Redirected only where what stands in the query proves client and redirect_uri by itself."""
    try:
        return prove(issuer, parameters).refuse(problem.error, str(problem))
    except PageError:
        return PageError(problem.error, detail=str(problem))


def prove(issuer: IssuerConfig, parameters: Parameters, came: Came = intake.DIRECT) -> Asked:
    for name in ("client_id", "redirect_uri"):
        if name in parameters.repeated:
            raise PageError("repeated_parameter", detail=name)
    if "client_id" not in parameters:
        raise PageError("client_id_missing")
    client = find_client(issuer, parameters.get("client_id"))
    if client is None:
        raise PageError("unknown_client")
    redirect_uri = parameters.get("redirect_uri")
    if not redirect_uri:
        raise PageError("redirect_uri_missing")
    trial = trial_redirect(client.client_id, parameters)
    if not trial and not registered(client, redirect_uri):
        raise UnregisteredRedirect(
            "redirect_uri_not_registered",
            relying_party_id=client.relying_party_id,
            received=redirect_uri,
            registered=client.redirect_uris,
        )
    return Asked(issuer, client, parameters, redirect_uri, trial, came)


def registered(client: Client, redirect_uri: str) -> bool:
    """Exact comparison; a native client's loopback address may vary in its port only (RFC 8252 section 7.3)."""
    if redirect_uri in client.redirect_uris:
        return True
    return client.native and _without_port(redirect_uri) in {_without_port(uri) for uri in client.redirect_uris} - {None}


def _without_port(uri: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  (raises ValueError for a port that is none)
    except ValueError:
        return None
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1") or parts.username is not None or parts.fragment:
        return None
    return (str(parts.hostname), parts.path, parts.query)


def no_repeats(asked: Asked) -> None:
    if asked.parameters.repeated:
        raise asked.refuse("invalid_request", f"{min(asked.parameters.repeated)} was sent more than once")


def no_foreign_request(asked: Asked) -> None:
    """OpenID Connect Core 3.1.2.6: what stands elsewhere is never fetched."""
    for name, error in (("request_uri", "request_uri_not_supported"), ("registration", "registration_not_supported")):
        if name in asked.parameters:
            raise asked.refuse(error, f"{name} is not supported")


def came_as_agreed(asked: Asked) -> None:
    """RFC 9126 section 6, RFC 9101 section 10.5. The portal's own trial has no credentials of the client's."""
    if asked.client.needs_par and not asked.came.pushed and not asked.trial:
        raise asked.refuse("invalid_request", "this client must push its requests to the PAR endpoint")
    if asked.client.request_object_required and not asked.came.by_object and not asked.trial:
        raise asked.refuse("invalid_request", "this client must sign its requests")


def response_type_is_code(asked: Asked) -> None:
    value = asked.parameters.get("response_type")
    if not value:
        raise asked.refuse("invalid_request", "response_type is missing")
    if value != "code":
        raise asked.refuse("unsupported_response_type", "only response_type=code is supported")


def response_mode_is_ours(asked: Asked) -> None:
    if asked.parameters.get("response_mode") not in ("", *responses.MODES):
        raise asked.refuse("invalid_request", f"response_mode must be one of {', '.join(responses.MODES)}")
    if asked.response_mode == "form_post" and LONE_BREAK.search(asked.state or ""):
        raise asked.refuse("invalid_request", "state has a line break that a form would change on its way back")


def scope_is_allowed(asked: Asked) -> None:
    if "openid" not in asked.scopes:
        raise asked.refuse("invalid_scope", "scope must contain openid")
    foreign = [scope for scope in asked.scopes if scope not in asked.client.scopes or scope in apis.SCOPES]
    if foreign:
        raise asked.refuse("invalid_scope", "the client may not ask for one of these scopes")


def pkce_is_s256(asked: Asked) -> None:
    """RFC 7636 with S256 only; a nonce instead where the client was registered so (RFC 9700 section 2.1.1)."""
    challenge, method = asked.parameters.get("code_challenge"), asked.parameters.get("code_challenge_method")
    if not challenge and not method and asked.client.nonce_instead_of_challenge:
        if not asked.parameters.get("nonce"):
            raise asked.refuse("invalid_request", "nonce is missing, which this client sends in place of a code_challenge")
        return
    if not challenge:
        raise asked.refuse("invalid_request", "code_challenge is missing")
    if method != "S256":
        raise asked.refuse("invalid_request", "code_challenge_method must be S256")
    if not CHALLENGE.fullmatch(challenge):
        raise asked.refuse("invalid_request", "code_challenge is malformed")


def key_is_a_thumbprint(asked: Asked) -> None:
    """RFC 9449 section 10: the code will be good with this key only."""
    if "dpop_jkt" in asked.parameters and not CHALLENGE.fullmatch(asked.parameters.get("dpop_jkt")):
        raise asked.refuse("invalid_request", "dpop_jkt is malformed")


def prompt_is_known(asked: Asked) -> None:
    if set(asked.prompts) - set(PROMPTS):
        raise asked.refuse("invalid_request", "unknown prompt value")
    if "none" in asked.prompts and len(asked.prompts) > 1:
        raise asked.refuse("invalid_request", "prompt=none stands alone")


def max_age_is_a_number(asked: Asked) -> None:
    value = asked.parameters.get("max_age")
    if value and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise asked.refuse("invalid_request", "max_age is not a number of seconds")


def fits_the_database(asked: Asked) -> None:
    """PostgreSQL text holds no NUL; what a client wants back is kept as it came, up to a size."""
    if any("\x00" in value for value in asked.parameters.values.values()):
        raise asked.refuse("invalid_request", "a parameter contains a NUL character")
    if "\ufffd" in asked.parameters.get("state"):
        raise asked.refuse("invalid_request", "state is not UTF-8, so it could not come back as it was sent")
    for name, most in LONGEST.items():
        if len(asked.parameters.get(name)) > most:
            raise asked.refuse("invalid_request", f"{name} is longer than {most} characters")


def claims_can_be_read(asked: Asked) -> None:
    """OpenID Connect Core 5.5, and 5.5.1.1 where no value of an essential acr is one that we know."""
    try:
        wanted = claims_request.parse(asked.parameters.get("claims"))
    except Malformed as problem:
        raise asked.refuse("invalid_request", str(problem)) from None
    if wanted.acr_essential and levels.asked(" ".join(wanted.acr_values or ())) is None:
        raise asked.refuse("unmet_authentication_requirements", "none of the values of the essential acr is known")


def hint_is_ours(asked: Asked) -> None:
    """OpenID Connect Core 3.1.2.1: an id_token that we gave this client, however old."""
    if "id_token_hint" in asked.parameters and not _hinted(asked):
        raise asked.refuse("invalid_request", "id_token_hint is no id_token of ours for this client")


def _hinted(asked: Asked) -> str:
    """The `sub` of the id_token_hint; "" where there is none that we believe."""
    told = hints.shown(asked.issuer, asked.parameters.get("id_token_hint")) or {}
    return str(told["sub"]) if told.get("aud") == asked.client.client_id else ""


def identity_is_met(asked: Asked) -> None:
    if not asked.kinds:
        raise asked.refuse("invalid_request", f"this client does not meet {' or '.join(asked.identities)} identities")


def connection_is_available(asked: Asked) -> None:
    if upstream_of(asked.issuer, asked.client) is None:
        raise asked.refuse("temporarily_unavailable", "no login method is available for this client")


def level_can_be_reached(asked: Asked) -> None:
    """What nobody can reach is refused before anybody is asked, and before anything is owed for it (decision 11)."""
    upstream = upstream_of(asked.issuer, asked.client)
    if upstream is not None and not levels.accept(login.reachable(upstream, asked.kinds), _level(asked)):
        raise asked.refuse("unmet_authentication_requirements", "the level that is needed cannot be reached here")


# Of the request as it was sent, whatever its dialect; what it says then follows.
BEFORE_READING: list[Callable[[Asked], None]] = [no_repeats, fits_the_database]
CHECKS: list[Callable[[Asked], None]] = [
    no_foreign_request,
    came_as_agreed,
    response_type_is_code,
    response_mode_is_ours,
    scope_is_allowed,
    pkce_is_s256,
    key_is_a_thumbprint,
    prompt_is_known,
    max_age_is_a_number,
    claims_can_be_read,
    hint_is_ours,
    identity_is_met,
    connection_is_available,
    level_can_be_reached,
]


def upstream_of(issuer: IssuerConfig, client: Client) -> Upstream | None:
    """The method that this client's logins use: the first that it allows of those that the environment is granted."""
    allowed = [upstream for upstream in issuer.upstreams if not client.methods or upstream.kind in client.methods]
    return allowed[0] if allowed else None


def _request(asked: Asked, reading: Reading, scopes_sent: list[str], browser_language: str) -> LoginRequest:
    parameters, client = asked.parameters, asked.client
    upstream = upstream_of(asked.issuer, client)
    assert upstream is not None
    languages = [tag.split("-")[0].lower() for tag in parameters.get("ui_locales").split()]
    wanted = claims_request.parse(parameters.get("claims"))
    action, text = reading.action or client.action, reading.reference_text or client.reference_text
    psd2 = reading.psd2 or client.psd2
    return LoginRequest(
        protocol="oidc",
        level=_level(asked),
        language=next((tag for tag in languages if tag in pages.LANGUAGES), browser_language),
        # A session answers no question that the person has to read.
        force=bool(set(asked.prompts) - {"none"}) or bool(text) or action != LOG_ON or psd2,
        passive="none" in asked.prompts,
        max_age=int(parameters.get("max_age")) if "max_age" in parameters else None,
        action=action,
        reference_text=text,
        psd2=psd2,
        hints=reading.hints,
        attributes=tuple(asked.scopes),
        claims=tuple(sorted(wanted.names & claims.of_scopes(client.scopes))),
        subject=wanted.subject or _hinted(asked),
        connection=str(upstream.id),
        trial=asked.trial,
        identities=asked.identities,
        forget_cpr="consent_revoke" in asked.prompts,
        reply={
            "client_id": client.client_id,
            "redirect_uri": asked.redirect_uri,
            "state": asked.state,
            "nonce": parameters.get("nonce"),
            "challenge": parameters.get("code_challenge"),
            "scope": " ".join(dict.fromkeys(scopes_sent)),
            "response_mode": asked.response_mode,
            **_told_as(client),
            **({"pushed": asked.came.pushed} if asked.came.pushed else {}),
            **({"jkt": parameters.get("dpop_jkt")} if "dpop_jkt" in parameters else {}),
        },
    )


def _level(asked: Asked) -> Level:
    """An essential acr is needed whatever else is asked; one by value only counts as acr_values do, which come first."""
    wanted = claims_request.parse(asked.parameters.get("claims"))
    by_values = levels.asked(asked.parameters.get("acr_values"))
    by_claim = levels.asked(" ".join(wanted.acr_values or ()))
    both = [level for level in (by_values, by_claim) if level is not None]
    needed = max(both, default=None) if wanted.acr_essential else by_values or by_claim
    return levels.required(needed, asked.client.minimum_level)


def _told_as(client: Client) -> dict[str, str]:
    """Whose names the answer will have; nothing for our own."""
    told = {"dialect": client.dialect, "subjects": client.subjects}
    return told if set(told.values()) != {"native"} else {}
