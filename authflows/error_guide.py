"""Every error that we answer with: what causes it and what to do, for whoever builds the service. Pure.

docs/errors.md and the page `/errors` below each issuer are made of this list, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    code: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an answer goes. `prefix` makes the anchors of its codes, since one code can go to several places."""

    prefix: str
    title: str
    about: str
    errors: tuple[Explained, ...]


def _all(*rows: tuple[str, str, str]) -> tuple[Explained, ...]:
    return tuple(Explained(*row) for row in rows)


SUPPORT = "Contact support with the trace id."
AGAIN = "Send the person to the start of a new login."
PAGES = _all(
    (
        "client_id_missing",
        "The authorization request has no client_id.",
        "Send client_id; in a form body only where the request is a POST.",
    ),
    (
        "unknown_client",
        "No active client has this client_id at this issuer. Test and production have issuers and clients of their own.",
        "Compare client_id and issuer with the client's page in the portal.",
    ),
    ("redirect_uri_missing", "The authorization request has no redirect_uri.", "Send one of the client's registered addresses."),
    (
        "redirect_uri_not_registered",
        "The redirect_uri is not, character by character, one of the client's. Only a native client's loopback port may differ.",
        "Open the client in the portal: it shows what was received beside what is registered, and where they differ.",
    ),
    (
        "repeated_parameter",
        "client_id or redirect_uri was sent more than once; or a parameter of a provider's answer.",
        "Send each parameter once.",
    ),
    (
        "malformed_request",
        "The body is too large, not a form (application/x-www-form-urlencoded), or not UTF-8.",
        "Send parameters as a query, or as a form in UTF-8 of at most 256 kB and 200 fields.",
    ),
    (
        "invalid_request",
        "The request object could not be looked at, and the query alone proves no redirect_uri.",
        "Send `request` once, without request_uri.",
    ),
    (
        "invalid_request_object",
        "The request object is not accepted, and the query alone proves no redirect_uri.",
        "See the same code under redirects.",
    ),
    ("invalid_request_uri", "The request_uri was used, has expired or is another client's.", "Push the request again, for each login."),
    ("no_cookie", "The login was begun in another browser, its cookie has expired, or cookies are switched off.", AGAIN),
    ("form_token", "A form was sent that this browser was not given for this login.", AGAIN),
    (
        "core_result",
        "The answer of MitID or of another provider did not arrive, was used already, or does not belong to this login.",
        f"{AGAIN} {SUPPORT}",
    ),
    (
        "connection_withdrawn",
        "The login method was switched off while the login was under way.",
        "Try again; ask the operator if it stays.",
    ),
    ("too_many_requests", "Too many requests in a minute from one address or for one client.", "Wait for the seconds of Retry-After."),
    (
        "preview_over",
        "The address of a design's preview is older than 15 minutes, was altered, or its draft is gone.",
        "Open the preview from the portal anew.",
    ),
    ("no_such_address", "Nothing answers at this address, or the issuer is not in use.", "Take addresses from discovery, never by hand."),
    ("unavailable", "The database or another part restarts.", "Repeat after Retry-After."),
    ("internal", "A mistake of ours.", SUPPORT),
)
REDIRECTS = _all(
    (
        "invalid_request",
        "A parameter is missing, malformed, too long or sent twice; error_description names it.",
        "Correct that parameter.",
    ),
    ("invalid_scope", "scope lacks openid, or has one that the client is not registered for.", "Ask only for scopes on the client's page."),
    ("unsupported_response_type", "response_type is not code.", "Use the authorization code flow."),
    (
        "request_uri_not_supported",
        "A request_uri that is not ours: addresses of others are never fetched.",
        "Push the request, or send it in `request`.",
    ),
    ("registration_not_supported", "The registration parameter is not supported.", "Register the client in the portal."),
    (
        "invalid_request_object",
        "The request object's signature, typ, iss, aud or times are wrong, or it cannot be read.",
        "Sign it with a registered key: iss the client_id, aud the issuer, exp within the hour.",
    ),
    ("invalid_request_uri", "The request_uri was used, has expired or is another client's.", "Push the request again, for each login."),
    (
        "login_required",
        "prompt=none, and no session answers; or the person is not the one whose sub was asked for.",
        "Ask again without prompt=none.",
    ),
    ("interaction_required", "prompt=none, and the session does not reach the level that is needed.", "Ask again without prompt=none."),
    (
        "unmet_authentication_requirements",
        "The level that is needed was not reached, or is not known.",
        "Ask for one in acr_values_supported; let the person choose a stronger method.",
    ),
    ("access_denied", "The person or MitID ended the login; error_description says how.", "See the endings below."),
    ("temporarily_unavailable", "No login method is available, or MitID did not accept the request.", "Try again in a little while."),
)
DESCRIPTIONS = _all(
    ("user_aborted", "The person cancelled on our page.", "Offer to try again."),
    ("mitid_user_aborted", "The person cancelled in MitID's box.", "Offer to try again."),
    ("mitid_rejected_in_app", "The person rejected the request in the app.", "Do not repeat it unasked: it may have been somebody else's."),
    ("mitid_timeout", "The time to log in ran out.", "Offer to try again."),
    ("mitid_authenticator_blocked", "The authenticator is blocked for a while.", "Refer the person to MitID's support."),
    (
        "mitid_not_recognised",
        "PSD2 was asked for, and the user ID is unknown, a factor was wrong, or it is blocked: which one is told to nobody.",
        "Offer to try again.",
    ),
    (
        "assurance_level_not_met",
        "The person logged in at a lower level than the service needs.",
        "Say which level is needed, and let them try again.",
    ),
    (
        "no_such_identity",
        "The person has no identity of the kind that the service meets: no employment in MitID Erhverv, for example.",
        "Say which kind the service is for; or let the client meet both (identities=both).",
    ),
    (
        "cpr_status_none",
        "The person has no CPR number, or the connection gives none and compares none.",
        "Let the client do without (cpr_optional=on): then the login completes with cpr_status none.",
    ),
    (
        "cpr_not_matched",
        "Three CPR numbers were tried in this core session and none was the person's.",
        "Let them log in again: each login has three tries.",
    ),
    ("cpr_too_late", "More than 15 minutes have passed since the person logged in with MitID.", "Let them log in again."),
    ("another_person", "Somebody else logged in than the sub that was asked for.", "Ask without sub, or log the other person out first."),
    ("request_uri_was_used", "Another tab has answered the same pushed request.", "Push a new request for each login."),
    ("mitid_core_client_error", "MitID did not accept the request. Nothing is owed for it.", "Try again; almost always it then works."),
)
JSON = _all(
    (
        "invalid_request",
        "A parameter is missing, malformed, or sent twice; the body is not a form; or no key can be had to encrypt the answer for.",
        "error_description names it.",
    ),
    (
        "invalid_client",
        "The client is unknown, or its secret or assertion is not accepted.",
        "Compare the method with the client's page; a secret may have been revoked, a clock may be wrong.",
    ),
    (
        "invalid_grant",
        "The code or refresh token was used, has expired, or belongs to another client, redirect_uri or code_verifier.",
        "Begin a new login. A second use has ended what the first gave.",
    ),
    ("invalid_scope", "More was asked for than was granted, or than the client has for itself.", "Leave scope out, or ask for less."),
    (
        "unauthorized_client",
        "The client is not registered for this grant_type.",
        "Give the client the scope offline_access for refresh tokens, an API's scope for client_credentials.",
    ),
    ("unsupported_grant_type", "grant_type is none of those in discovery.", "Use authorization_code, refresh_token or client_credentials."),
    ("invalid_token", "The access token is missing, unknown, expired or revoked.", "Begin a new login, or refresh."),
    (
        "cpr_not_allowed",
        "The client has no basis for CPR numbers, or none that covers business identities.",
        "Set cpr_basis, and cpr_business=on for employees.",
    ),
    ("invalid_cpr", "The number is not ten digits that begin with a date. It cost no try.", "Ask the person again."),
    (
        "cpr_not_matched",
        "Three numbers were tried in this core session, here or on our page.",
        "Let the person log in again: each login has three tries.",
    ),
    ("cpr_too_late", "More than 15 minutes have passed since the person logged in with MitID.", "Let them log in again."),
    ("insufficient_scope", "The access token is not for this endpoint.", "Ask for openid for userinfo; for our API for its scope."),
    ("invalid_dpop_proof", "The DPoP proof is missing, malformed, for another request, or was used.", "Make a new proof for each request."),
    (
        "use_dpop_nonce",
        "The DPoP proof needs the nonce that this answer brings.",
        "Repeat the request with the nonce of the header DPoP-Nonce.",
    ),
    ("not_found", "Nobody of this id is in this environment, or there is no such address.", "List the people that are there."),
    ("conflict", "The user id is taken in this environment, or it holds as many people as it can.", "error_description says which."),
    ("slow_down", "Too many requests or failed attempts in a minute.", "Wait for the seconds of Retry-After."),
    ("server_error", "We cannot answer just now; error_description is unavailable or internal.", f"Repeat after Retry-After. {SUPPORT}"),
)
GUIDE: tuple[Destination, ...] = (
    Destination(
        "",
        "On our own page",
        "Until client and redirect_uri are proven nothing is redirected. The page shows the code and a trace id.",
        PAGES,
    ),
    Destination(
        "redirect-",
        "At the redirect_uri",
        "As `error`, with `error_description`, `state` and `iss`, by the response_mode that was asked for.",
        REDIRECTS,
    ),
    Destination(
        "ending-",
        "How a login ended",
        "As `error_description`, beside one of the errors above.",
        DESCRIPTIONS,
    ),
    Destination(
        "json-",
        "From token, userinfo and the other endpoints that answer with JSON",
        "As `error` and `error_description`; 401 comes with WWW-Authenticate.",
        JSON,
    ),
)
INTRODUCTION = (
    "Every answer has a `Trace-Id` header: with it, the request is found in our logs, and a login on the client's page in the portal."
)


def markdown() -> str:
    """docs/errors.md."""
    parts = ["# Errors\n", f"{INTRODUCTION}\n", "Made by `manage.py describe_errors`, from the list that the code has; a test compares.\n"]
    for place in GUIDE:
        parts += [f"## {place.title}\n", f"{place.about}\n", "| code | cause | remedy |\n|---|---|---|"]
        parts += [f'| <a id="{place.prefix}{each.code}"></a>`{each.code}` | {each.cause} | {each.remedy} |' for each in place.errors]
        parts.append("")
    return "\n".join(parts)
