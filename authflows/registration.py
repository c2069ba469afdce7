"""Registering clients: what an environment needs first, and what a client may look like (OpenID Connect Registration 1.0)."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from oidc_provider.models import Client as RegisteredClient
from oidc_provider.models import ResponseType

from authflows import configuration, keys, subjects
from authflows.client_settings import OF_CLIENT, OF_PARTY, ClientSettings
from authflows.models import AuthMethod, ClientExt, ClientSecret, Connection, ConnectionGrant, RelyingParty, Service, Theme
from authflows.oidc import apis, profile
from authflows.oidc.claims import is_scope
from authflows.requests import text_problem
from billing import metering
from tenants import audit, outbound
from tenants.isolation import tenant_scope
from tenants.models import Environment, Issuer, IssuerState, Kind, Operator, Tenant

SUPPORTED_METHODS = (AuthMethod.BASIC, AuthMethod.POST, AuthMethod.PRIVATE_KEY_JWT, AuthMethod.NONE)
WITH_SECRET = (AuthMethod.BASIC, AuthMethod.POST)
SUPPORTED_ALGORITHMS = ("ES256", "RS256", "PS256")
LIVE_SECRETS = 2
SSO_GROUP = re.compile(r"[A-Za-z0-9_-]{1,50}")


class Refused(ValueError):
    """What was asked for cannot be registered; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Registration(ClientSettings):
    name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    auth_method: str = AuthMethod.BASIC
    id_token_alg: str = "ES256"
    scopes: tuple[str, ...] = ("openid", "profile", "mitid")
    alias: str = ""
    minimum_level: str = ""
    sso_group: str = ""
    created_by: str = "command"

    @property
    def grant_types(self) -> list[str]:
        own = ["client_credentials"] if apis.SCOPES & set(self.scopes) else []
        return ["authorization_code", *(["refresh_token"] if "offline_access" in self.scopes else []), *own]


@dataclass(frozen=True, slots=True)
class Registered:
    """`client_secret` is here and nowhere again; None for a public client."""

    relying_party_id: uuid.UUID
    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)


def simulator(operator: Operator) -> Connection:
    """The operator's connection to the simulated core, made when it is first needed."""
    connection, _ = Connection.objects.get_or_create(operator=operator, owner_tenant=None, name="Simulator", defaults={"kind": "simulator"})
    return connection


def prepare(tenant: Tenant, environment: Environment) -> None:
    """Keys, the secret behind its subjects, and the simulator where it is allowed. Once; runs in the tenant's scope."""
    for alg in ("ES256", "RS256"):
        keys.create(tenant.id, environment.id, alg)
    keys.create_decryption(tenant.id, environment.id)
    subjects.create_secret(tenant.id, environment.id)
    if configuration.simulator_allowed(environment.kind):
        ConnectionGrant.objects.create(tenant_id=tenant.id, environment_id=environment.id, connection=simulator(tenant.operator))


def register(tenant: Tenant, environment: Environment, wanted: Registration) -> Registered:
    """Makes a relying party with its client, always a new one. Raises Refused."""
    check(environment.kind, wanted)
    issuer = Issuer.objects.select_related("domain").filter(environment_id=environment.id, state=IssuerState.ACTIVE).earliest("id")
    client_id = f"{tenant.slug[:20]}-{secrets.token_hex(8)}"
    with tenant_scope(tenant.id):
        check_audiences(tenant.id, environment.id, wanted.audiences)
        service = _service(tenant, environment, wanted.alias or tenant.name)
        party = RelyingParty.objects.create(
            tenant_id=tenant.id,
            environment_id=environment.id,
            service_id=service.id,
            name=wanted.name,
            minimum_level=wanted.minimum_level,
            sso_group=wanted.sso_group,
            created_by=wanted.created_by,
            **{name: getattr(wanted, name) for name in OF_PARTY},
        )
        ext = ClientExt.objects.create(
            tenant_id=tenant.id,
            relying_party_id=party.id,
            client_pk=_client(client_id, wanted).pk,
            issuer=issuer,
            token_endpoint_auth_method=wanted.auth_method,
            id_token_alg=wanted.id_token_alg,
            grant_types=wanted.grant_types,
            **{name: getattr(wanted, name) for name in OF_CLIENT},
        )
        secret = _new_secret(ext) if wanted.auth_method in WITH_SECRET else None
        metering.name_client(
            tenant.id, party.id, environment_id=environment.id, environment_kind=environment.kind, client_id=client_id, name=wanted.name
        )
        configuration.changed(tenant.id, environment.id)
        facts = {"client_id": client_id, "environment": environment.kind, "auth_method": str(wanted.auth_method)}
        audit.record(tenant.id, actor=wanted.created_by, action="client.created", subject=f"relying_party:{party.id}", after=facts)
    return Registered(party.id, configuration.url_of(issuer), client_id, secret)


def check(kind: str, wanted: Registration) -> None:
    """Raises Refused with what to change."""
    if not wanted.name.strip() or len(wanted.name) > 100:
        raise Refused("name: 1 to 100 characters")
    if wanted.auth_method not in SUPPORTED_METHODS:
        raise Refused(f"auth method {wanted.auth_method}: not available yet")
    if wanted.id_token_alg not in SUPPORTED_ALGORITHMS:
        raise Refused(f"id_token algorithm {wanted.id_token_alg}: one of {', '.join(SUPPORTED_ALGORITHMS)}")
    if problem := profile.problem(wanted, auth_method=wanted.auth_method, id_token_alg=wanted.id_token_alg, loopback=bool(settings.DEMO)):
        raise Refused(problem)
    _check_scopes(wanted)
    if not wanted.redirect_uris:
        raise Refused("redirect URI: at least one")
    for uri in (*wanted.redirect_uris, *wanted.post_logout_redirect_uris):
        if problem := redirect_uri_problem(kind, uri, public_native=wanted.native and wanted.auth_method == AuthMethod.NONE):
            raise Refused(f"{uri}: {problem}")
    _check_person(wanted)
    _check_text(wanted)
    _check_session(kind, wanted)
    _check_origins(kind, wanted)


def _check_person(wanted: Registration) -> None:
    """What is told of a person has its legal basis on record."""
    if "ssn" in wanted.scopes and not wanted.cpr_basis:
        raise Refused("scope ssn: needs a basis for CPR numbers (cpr_basis=law or cpr_basis=consent)")
    if "risk" in wanted.scopes and not wanted.risk_basis.strip():
        raise Refused("scope risk: needs its legal basis on record (risk_basis=…)")
    if len(wanted.risk_basis) > 300:
        raise Refused("risk_basis: 300 characters at most")


def _check_scopes(wanted: Registration) -> None:
    if "openid" not in wanted.scopes:
        raise Refused("scope: must contain openid")
    if unknown := [scope for scope in wanted.scopes if not is_scope(scope) and scope not in apis.SCOPES]:
        raise Refused(f"scope {unknown[0]}: not available yet")
    if problem := _api_problem(wanted):
        raise Refused(f"scope {problem}")


def _api_problem(wanted: Registration) -> str:
    """A client's own token is a bearer token, given to whoever proves to be the client."""
    asked = sorted(apis.SCOPES & set(wanted.scopes))
    if asked and wanted.auth_method == AuthMethod.NONE:
        return f"{asked[0]}: not for auth method none, since anybody can name a public client"
    return f"{asked[0]}: not for clients whose tokens are bound to a key" if asked and wanted.needs_dpop else ""


def _check_text(wanted: Registration) -> None:
    if problem := text_problem(wanted.reference_text, settings.REFERENCE_TEXT_FORBIDDEN):
        raise Refused(f"reference_text: {problem}")


def _check_origins(kind: str, wanted: Registration) -> None:
    if wanted.origins and wanted.auth_method != AuthMethod.NONE:
        raise Refused("origin: for auth method none only, since only a public client's pages call us")
    for origin in wanted.origins:
        if problem := origin_problem(kind, origin):
            raise Refused(f"origin {origin}: {problem}")


def check_audiences(tenant_id: uuid.UUID, environment_id: uuid.UUID, audiences: tuple[str, ...]) -> None:
    """Raises Refused for a resource server that is no confidential client of the environment. Runs in the tenant's scope."""
    parties = RelyingParty.objects.of(tenant_id).filter(environment_id=environment_id, closed_at__isnull=True).values("id")
    confidential = ClientExt.objects.of(tenant_id).filter(relying_party_id__in=parties).exclude(token_endpoint_auth_method=AuthMethod.NONE)
    for client_id in audiences:
        registered = RegisteredClient.objects.filter(client_id=client_id).first() if "\x00" not in client_id else None
        if registered is None or not confidential.filter(client_pk=registered.pk).exists():
            raise Refused(f"audience {client_id}: no confidential client of this environment")


def _check_session(kind: str, wanted: Registration) -> None:
    if wanted.sso_group and not SSO_GROUP.fullmatch(wanted.sso_group):
        raise Refused("sso_group: 1 to 50 letters, digits, - and _")
    if (uri := wanted.back_channel_logout_uri) and (problem := redirect_uri_problem(kind, uri) or _not_called(uri)):
        raise Refused(f"back_channel_logout_uri {uri}: {problem}")


def _not_called(uri: str) -> str:
    """A name is looked at when it is called; an address that stands there as a number can be looked at now."""
    try:
        number = ipaddress.ip_address(urlsplit(uri).hostname or "")
    except ValueError:
        return ""
    return "" if outbound.permitted(number, loopback=bool(settings.DEMO)) else "not an address of the public Internet"


def redirect_uri_problem(kind: str, uri: str, *, public_native: bool = False) -> str:
    """Why an address cannot be registered, or "" (RFC 9700 section 2.1 and 2.6, RFC 8252 section 7)."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        parts.port  # noqa: B018  (raises ValueError for a port that is none)
    except ValueError:
        return "not an address"
    if any(character <= " " or character in '"<>\\^`{|}\x7f' for character in uri):
        return "contains a character that an address cannot contain"
    if not parts.scheme or not host or "*" in uri:
        return "write the whole address, without wildcards"
    if "#" in uri or parts.username is not None:
        return "no fragment and no user name"
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        return "no . or .. in the path"
    if parts.scheme == "https":
        return ""
    if parts.scheme != "http":
        return "use https"
    if not _loopback(host):
        return "use https; http is for loopback hosts only"
    if kind == Kind.TEST or settings.DEMO or public_native:
        return ""
    return "use https; http on loopback is for public native clients only"


def origin_problem(kind: str, origin: str) -> str:
    """Why pages of this origin cannot call us, or "". It is compared as browsers write it (RFC 6454 section 6.2)."""
    if problem := redirect_uri_problem(kind, origin):
        return problem
    parts = urlsplit(origin)
    port = "" if parts.port in (None, 443 if parts.scheme == "https" else 80) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    if origin != f"{parts.scheme}://{host}{port}" or not origin.isascii():
        return "write scheme, host and port only, as browsers do: https://app.example"
    return ""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def add_secret(tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID, *, actor: str, overlap: timedelta) -> str:
    """A new secret for a client; an older one keeps working for `overlap`. Raises Refused where two are live already."""
    with tenant_scope(tenant_id):
        ext = ClientExt.objects.of(tenant_id).select_for_update().get(relying_party_id=relying_party_id)
        if ext.token_endpoint_auth_method not in WITH_SECRET:
            raise Refused("this client has no secret")
        live = live_secrets(tenant_id, ext.id)
        if len(live) >= LIVE_SECRETS:
            raise Refused("two secrets are live already: revoke one first")
        for row in live:
            ClientSecret.objects.of(tenant_id).filter(id=row.id).update(expires_at=timezone.now() + overlap)
        secret = _new_secret(ext)
        configuration.changed(tenant_id, environment_id)
        audit.record(tenant_id, actor=actor, action="client.secret_added", subject=f"relying_party:{relying_party_id}")
    return secret


def revoke_secret(
    tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID, secret_id: uuid.UUID, *, actor: str
) -> bool:
    """Ends a secret at once, for every process."""
    with tenant_scope(tenant_id):
        ext = ClientExt.objects.of(tenant_id).get(relying_party_id=relying_party_id)
        rows = ClientSecret.objects.of(tenant_id).filter(id=secret_id, client_id=ext.id, revoked_at__isnull=True)
        if not rows.update(revoked_at=Now()):
            return False
        configuration.changed(tenant_id, environment_id)
        audit.record(tenant_id, actor=actor, action="client.secret_revoked", subject=f"relying_party:{relying_party_id}")
    return True


def replace_redirect_uris(
    tenant_id: uuid.UUID, environment: Environment, relying_party_id: uuid.UUID, uris: tuple[str, ...], *, actor: str
) -> None:
    """Raises Refused for the first address that cannot be registered; then nothing has changed."""
    with tenant_scope(tenant_id):
        ext = ClientExt.objects.of(tenant_id).get(relying_party_id=relying_party_id)
        native = ext.application_type == "native" and ext.token_endpoint_auth_method == AuthMethod.NONE
        for uri in uris:
            if problem := redirect_uri_problem(environment.kind, uri, public_native=native):
                raise Refused(f"{uri}: {problem}")
        if not uris:
            raise Refused("redirect URI: at least one")
        client = RegisteredClient.objects.get(pk=ext.client_pk)
        before, client._redirect_uris = client._redirect_uris.splitlines(), "\n".join(dict.fromkeys(uris))
        client.save(update_fields=["_redirect_uris"])
        configuration.changed(tenant_id, environment.id)
        audit.record(
            tenant_id,
            actor=actor,
            action="client.redirect_uris",
            subject=f"relying_party:{relying_party_id}",
            before={"redirect_uris": before},
            after={"redirect_uris": list(dict.fromkeys(uris))},
        )


def live_secrets(tenant_id: uuid.UUID, ext_id: uuid.UUID) -> list[ClientSecret]:
    """The secrets that work now, the newest first. Runs in the tenant's scope."""
    rows = ClientSecret.objects.of(tenant_id).filter(client_id=ext_id, revoked_at__isnull=True).order_by("-id")
    return [row for row in rows if row.expires_at is None or row.expires_at > timezone.now()]


def _service(tenant: Tenant, environment: Environment, alias: str) -> Service:
    """What the box calls the service: 60 characters at most. It shows the environment's design."""
    published = Theme.objects.of(tenant.id).filter(name=environment.kind, published_at__isnull=False).order_by("-version")
    design = published.values_list("id", flat=True).first()
    service, _ = Service.objects.of(tenant.id).get_or_create(
        environment_id=environment.id,
        alias=alias[:60],
        defaults={"tenant_id": tenant.id, "approved_at": timezone.now(), "theme_id": design},
    )
    return service


def _client(client_id: str, wanted: Registration) -> RegisteredClient:
    client: RegisteredClient = RegisteredClient.objects.create(
        client_id=client_id,
        name=wanted.name,
        client_type="public" if wanted.auth_method == AuthMethod.NONE else "confidential",
        client_secret="!",
        require_consent=False,
        _redirect_uris="\n".join(dict.fromkeys(wanted.redirect_uris)),
        _post_logout_redirect_uris="\n".join(dict.fromkeys(wanted.post_logout_redirect_uris)),
        _scope=" ".join(dict.fromkeys(wanted.scopes)),
    )
    client.response_types.add(ResponseType.objects.get(value="code"))
    return client


def _new_secret(ext: ClientExt) -> str:
    secret = f"bps_{secrets.token_urlsafe(32)}"
    ClientSecret.objects.create(
        tenant_id=ext.tenant_id, client_id=ext.id, hash=hashlib.sha256(secret.encode()).digest(), hint=f"{secret[:8]}…{secret[-4:]}"
    )
    return secret
