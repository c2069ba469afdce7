"""What a process remembers of issuers, clients and keys, frozen, with the version that ends it.

Every step that depends on it names the version it was evaluated with; the database refuses a step of an older one (errors.Stale),
the process forgets the issuer, reads it again and evaluates once more.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from oidc_provider.models import Client as RegisteredClient

from authflows import keys, subjects
from authflows.client_settings import OF_CLIENT, OF_PARTY, ClientSettings
from authflows.keys import LoadedKey
from authflows.levels import Level, parse
from authflows.models import AuthMethod, ClientExt, ClientSecret, Connection, ConnectionGrant, Logo, Purpose, RelyingParty, Service, Theme
from tenants.isolation import tenant_scope
from tenants.models import Environment, Installation, Issuer, IssuerState, Kind, Tenant


@dataclass(frozen=True, slots=True)
class Secret:
    id: uuid.UUID
    hash: bytes
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Upstream:
    """A connection that the environment may use."""

    id: uuid.UUID
    kind: str
    level_cap: Level
    usage_model: str
    core_client: bool
    sso: bool


@dataclass(frozen=True, slots=True)
class LogoFile:
    """Where a logo lies below its issuer, and how large it is drawn."""

    digest: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ThemeValues:
    version: str
    layout: str
    values: dict[str, Any]
    texts: dict[str, Any]
    kinds: tuple[str, ...] = ("login",)
    content_on_phones: bool = False
    logo: LogoFile | None = None

    @classmethod
    def of(cls, theme: Theme) -> ThemeValues:
        """Runs in the tenant's scope."""
        logos = Logo.objects.of(theme.tenant_id).values_list("digest", "width", "height")
        logo = logos.filter(id=theme.logo_id).first() if theme.logo_id else None
        return cls(
            f"{theme.name}-{theme.version}",
            theme.layout,
            theme.values,
            theme.texts,
            tuple(theme.kinds),
            theme.content_on_phones,
            LogoFile(*logo) if logo else None,
        )


@dataclass(frozen=True, slots=True)
class Client(ClientSettings):
    """A relying party as OpenID Connect knows it."""

    relying_party_id: uuid.UUID
    client_id: str
    name: str
    alias: str
    public: bool
    auth_method: str
    id_token_alg: str
    grant_types: frozenset[str]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    secrets: tuple[Secret, ...]
    minimum_level: Level | None
    sso_group: str
    methods: tuple[str, ...]
    theme: ThemeValues | None
    registered: RegisteredClient = field(repr=False, compare=False)  # the row, for claims classes and hooks of the deployer's
    values: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)  # what oidc.claims prepares, by scopes

    @property
    def nonce_instead_of_challenge(self) -> bool:
        return self.pkce == "nonce_instead" and not self.public and not self.fapi


@dataclass(frozen=True, slots=True)
class IssuerConfig:
    id: uuid.UUID
    version: int
    url: str
    prefix: str  # path of the issuer, "" where it has a host of its own
    tenant_id: uuid.UUID
    operator_id: uuid.UUID
    operator_name: str
    support_url: str
    privacy_url: str
    tenant_name: str
    tenant_slug: str
    sector: str
    environment_id: uuid.UUID
    kind: str
    keys: tuple[LoadedKey, ...]
    decryption_keys: tuple[LoadedKey, ...]
    subject_secret: bytes
    upstreams: tuple[Upstream, ...]
    origins: frozenset[str]  # of its public clients' pages
    clients: dict[str, Client] = field(default_factory=dict)  # filled as they are asked for

    @property
    def https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def simulated(self) -> bool:
        return any(upstream.kind == "simulator" for upstream in self.upstreams)


_lock = threading.Lock()
_issuers: dict[str, IssuerConfig] = {}  # by path, or by host
_base: list[str] = []


def base_url() -> str:
    """Where the running server said that it answers."""
    if not _base:
        row = Installation.objects.filter(id=1).first()
        if row is None:
            return str(settings.BASE_URL)
        _base.append(row.base_url)
    return _base[0]


def forget(issuer: IssuerConfig | None = None) -> None:
    """Forgets one issuer, or everything."""
    with _lock:
        if issuer is None:
            _issuers.clear()
            _base.clear()
            return
        for address in [address for address, known in _issuers.items() if known.id == issuer.id]:
            del _issuers[address]


def find(host: str, path: str) -> IssuerConfig | None:
    """The issuer that answers at this address, or None: an endpoint exists nowhere but at its issuer's (decision 5)."""
    if "\x00" in path:
        return None
    parts = path.split("/", 3)
    if host != urlsplit(base_url()).netloc:
        return _known(host)
    return _known(f"/t/{parts[2]}") if len(parts) >= 3 and parts[1] == "t" else None


def is_path_issuer(path: str) -> bool:
    return path.startswith("/t/")


def _known(address: str) -> IssuerConfig | None:
    found = _issuers.get(address)
    if found is None:
        found = _read(address)
        if found is not None:
            with _lock:
                _issuers[address] = found
    return found


def _read(address: str) -> IssuerConfig | None:
    where = {"path": address} if address.startswith("/") else {"domain__host": address, "domain__verified_at__isnull": False}
    issuer = Issuer.objects.select_related("tenant__operator", "domain").filter(state=IssuerState.ACTIVE, **where).first()
    return None if issuer is None else load(issuer)


def load(issuer: Issuer) -> IssuerConfig:
    """Reads an issuer's environment afresh. `issuer` comes with tenant, operator and domain."""
    tenant: Tenant = issuer.tenant
    with tenant_scope(tenant.id):
        environment = Environment.objects.of(tenant.id).get(id=issuer.environment_id)
        return IssuerConfig(
            id=issuer.id,
            version=issuer.version,
            url=url_of(issuer),
            prefix=issuer.path or "",
            tenant_id=tenant.id,
            operator_id=tenant.operator_id,
            operator_name=tenant.operator.name,
            support_url=tenant.operator.support_url,
            privacy_url=tenant.operator.privacy_url,
            tenant_name=tenant.name,
            tenant_slug=tenant.slug,
            sector=tenant.sector,
            environment_id=environment.id,
            kind=environment.kind,
            keys=keys.load(tenant.id, environment.id),
            decryption_keys=keys.load(tenant.id, environment.id, Purpose.OIDC_DECRYPT),
            subject_secret=subjects.load_secret(tenant.id, environment.id),
            upstreams=_upstreams(tenant.id, environment),
            origins=_origins(tenant.id, environment.id),
        )


def url_of(issuer: Issuer) -> str:
    if issuer.path:
        return base_url() + issuer.path
    assert issuer.domain is not None
    return f"https://{issuer.domain.host}"


def _upstreams(tenant_id: uuid.UUID, environment: Environment) -> tuple[Upstream, ...]:
    granted = ConnectionGrant.objects.of(tenant_id).filter(environment_id=environment.id).values_list("connection_id", flat=True)
    rows = Connection.objects.filter(id__in=list(granted)).order_by("id")
    return tuple(
        Upstream(row.id, row.kind, Level[row.level_cap.upper()], row.usage_model, row.core_client, row.sso)
        for row in rows
        if row.kind != "simulator" or simulator_allowed(environment.kind)
    )


def _origins(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> frozenset[str]:
    clients = ClientExt.objects.of(tenant_id).filter(token_endpoint_auth_method=AuthMethod.NONE).exclude(origins=[])
    living = clients.filter(relying_party__environment_id=environment_id, relying_party__closed_at__isnull=True)
    return frozenset(origin for origins in living.values_list("origins", flat=True) for origin in origins)


def simulator_allowed(kind: str) -> bool:
    """Test environments always; production environments in the demonstration only (decision 4)."""
    return kind == Kind.TEST or bool(settings.DEMO)


def client(issuer: IssuerConfig, client_id: str) -> Client | None:
    found = issuer.clients.get(client_id)
    if found is None and "\x00" not in client_id:
        found = _read_client(issuer, client_id)
        if found is not None:
            issuer.clients[client_id] = found
    return found


def client_of(issuer: IssuerConfig, relying_party_id: uuid.UUID) -> Client | None:
    """The client of a relying party that is already known to belong to this issuer."""
    for known in issuer.clients.values():
        if known.relying_party_id == relying_party_id:
            return known
    with tenant_scope(issuer.tenant_id):
        ext = ClientExt.objects.of(issuer.tenant_id).filter(relying_party_id=relying_party_id, issuer_id=issuer.id).first()
        registered = RegisteredClient.objects.filter(id=ext.client_pk).first() if ext else None
    return client(issuer, registered.client_id) if registered else None


def _read_client(issuer: IssuerConfig, client_id: str) -> Client | None:
    with tenant_scope(issuer.tenant_id):
        registered = RegisteredClient.objects.filter(client_id=client_id).first()
        if registered is None:
            return None
        ext = ClientExt.objects.of(issuer.tenant_id).filter(client_pk=registered.pk, issuer_id=issuer.id).first()
        if ext is None:
            return None
        party = RelyingParty.objects.of(issuer.tenant_id).get(id=ext.relying_party_id)
        if party.closed_at is not None:
            return None
        secrets = ClientSecret.objects.of(issuer.tenant_id).filter(client_id=ext.id, revoked_at__isnull=True)
        service = Service.objects.of(issuer.tenant_id).get(id=party.service_id)
        theme = Theme.objects.of(issuer.tenant_id).filter(id=service.theme_id).first() if service.theme_id else None
        return _client(registered, ext, party, service, list(secrets), theme)


def _client(
    registered: RegisteredClient, ext: ClientExt, party: RelyingParty, service: Service, secrets: list[ClientSecret], theme: Theme | None
) -> Client:
    return Client(
        relying_party_id=party.id,
        client_id=registered.client_id,
        name=party.name,
        alias=service.alias,
        public=registered.client_type == "public",
        auth_method=ext.token_endpoint_auth_method,
        id_token_alg=ext.id_token_alg,
        grant_types=frozenset(ext.grant_types),
        redirect_uris=tuple(registered._redirect_uris.splitlines()),
        post_logout_redirect_uris=tuple(registered._post_logout_redirect_uris.splitlines()),
        scopes=frozenset(registered._scope.split()),
        secrets=tuple(Secret(row.id, bytes(row.hash), row.expires_at) for row in secrets),
        minimum_level=parse(party.minimum_level),
        sso_group=party.sso_group,
        methods=tuple(party.methods),
        theme=ThemeValues.of(theme) if theme else None,
        registered=registered,
        **_settings(party, ext),
    )


def _settings(party: RelyingParty, ext: ClientExt) -> dict[str, Any]:
    values = {name: getattr(party, name) for name in OF_PARTY} | {name: getattr(ext, name) for name in OF_CLIENT}
    return values | {"origins": tuple(ext.origins), "audiences": tuple(ext.audiences)}


def changed(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> None:
    """Tells every process, in the caller's transaction, that what it remembers of this environment has ended."""
    Issuer.objects.filter(tenant_id=tenant_id, environment_id=environment_id).update(version=F("version") + 1)
