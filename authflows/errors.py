"""What can go wrong, typed by where the answer goes: a page, the relying party, or JSON. Pure.

Nothing is redirected before the client and its redirect_uri are proven. `detail` is for our log and the tenant's own log pages;
`description` is public.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


class LoginError(Exception):
    """Anything that ends a request on an issuer or box address with an answer of ours."""


@dataclass
class PageError(LoginError):
    """Shown to the end user on our own page, with a trace id and no Location."""

    code: str
    status: int = 400
    detail: str = ""


@dataclass
class UnregisteredRedirect(PageError):
    """The client is known and this address is none of its own: its owners are told, the end user is not."""

    relying_party_id: uuid.UUID | None = None
    received: str = ""
    registered: tuple[str, ...] = ()


@dataclass
class RedirectError(LoginError):
    """Given to the relying party at its proven redirect_uri (RFC 6749 section 4.1.2.1)."""

    error: str
    description: str
    redirect_uri: str = ""
    state: str | None = None
    response_mode: str = "query"
    client_id: str = ""


@dataclass
class JsonError(LoginError):
    """Answered by token, userinfo and the like (RFC 6749 section 5.2, RFC 6750 section 3.1)."""

    error: str
    description: str
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)


class Unavailable(LoginError):
    """The database cannot be asked just now: 503 with Retry-After."""


class Stale(LoginError):
    """What this process had cached has changed meanwhile: read it again and evaluate once more."""


# How a login ends without an identity: what the relying party is told, and how it is counted.
@dataclass(frozen=True)
class Ending:
    outcome: str  # as the usage tables count it
    error: str
    description: str


ENDINGS: dict[str, Ending] = {
    "cancelled": Ending("cancelled", "access_denied", "user_aborted"),
    "core_cancelled": Ending("cancelled", "access_denied", "mitid_user_aborted"),
    "rejected": Ending("failed", "access_denied", "mitid_rejected_in_app"),
    "expired": Ending("expired", "access_denied", "mitid_timeout"),
    "blocked": Ending("failed", "access_denied", "mitid_authenticator_blocked"),
    # Unknown, wrong or blocked: with PSD2 nobody is told which.
    "not_recognised": Ending("failed", "access_denied", "mitid_not_recognised"),
    "level": Ending("failed", "unmet_authentication_requirements", "assurance_level_not_met"),
    "no_identity": Ending("failed", "access_denied", "no_such_identity"),
    "no_cpr": Ending("failed", "access_denied", "cpr_status_none"),
    "cpr_not_matched": Ending("failed", "access_denied", "cpr_not_matched"),
    "cpr_too_late": Ending("failed", "access_denied", "cpr_too_late"),
    "another_person": Ending("failed", "login_required", "another_person"),
    "answered": Ending("failed", "access_denied", "request_uri_was_used"),
    "core_error": Ending("failed", "temporarily_unavailable", "mitid_core_client_error"),
}
