"""Connections to OpenID upstreams: set up for an operator, and granted to environments with our credentials there."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from authflows import configuration, keys
from authflows.models import Connection, ConnectionGrant, Level
from authflows.upstream.oidc.settings import METHOD, OpenIDSettings, Unusable, check
from tenants import audit, vault
from tenants.ids import uuid7
from tenants.isolation import tenant_scope
from tenants.models import Environment, Issuer, IssuerState, Operator, Tenant


@dataclass(frozen=True, slots=True)
class Wanted:
    name: str  # shown to the person where there is a choice
    method: str
    settings: OpenIDSettings
    level_cap: str = Level.HIGH
    core_client: bool = False  # MitID's own client is the upstream's affair


@dataclass(frozen=True, slots=True)
class Credentials:
    """A secret, or a private key as JWK."""

    secret: str = field(default="", repr=False)
    jwk: dict[str, Any] | None = field(default=None, repr=False)

    def as_json(self) -> bytes:
        return json.dumps({"jwk": self.jwk} if self.jwk is not None else {"secret": self.secret}).encode()


def private_jwk(text: str) -> dict[str, Any]:
    """From a JWK or PEM of a P-256 or RSA key. Raises Unusable."""
    try:
        given = json.loads(text) if text.lstrip().startswith("{") else text
        elliptic = given.get("kty") == "EC" if isinstance(given, dict) else "EC PRIVATE KEY" in given
        key: ECKey | RSAKey = (ECKey if elliptic else RSAKey).import_key(given)
        jwk = dict(key.as_dict(private=True))
        keys.of_jwk(jwk)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        raise Unusable("key: a private key, as JWK or PEM, for P-256 or RSA") from None
    if "d" not in jwk or (jwk["kty"] == "EC" and jwk["crv"] != "P-256"):
        raise Unusable("key: a private key, as JWK or PEM, for P-256 or RSA")
    return jwk | {"kid": jwk.get("kid") or key.thumbprint()}


def connect(operator: Operator, wanted: Wanted) -> Connection:
    """A new connection, or the one of this name with these settings. Raises Unusable."""
    check(wanted.settings)
    if not METHOD.fullmatch(wanted.method):
        raise Unusable("method: 2 to 30 small letters, digits, - and _, beginning with a letter")
    if not wanted.name.strip() or len(wanted.name) > 100:
        raise Unusable("name: 1 to 100 characters")
    if wanted.level_cap not in Level.values:
        raise Unusable("level cap: low, substantial or high")
    taken = Connection.objects.filter(operator=operator, owner_tenant=None, name=wanted.name).exclude(kind="oidc")
    if taken.exists():
        raise Unusable(f"name: {wanted.name} is a connection of another kind")
    connection, _ = Connection.objects.update_or_create(
        operator=operator,
        owner_tenant=None,
        name=wanted.name,
        defaults={
            "kind": "oidc",
            "method": wanted.method,
            "settings": wanted.settings.as_json(),
            "level_cap": wanted.level_cap,
            "core_client": wanted.core_client,
        },
    )
    return connection


def grant(tenant: Tenant, environment: Environment, connection: Connection, credentials: Credentials, *, actor: str) -> list[str]:
    """Lets an environment use it, with these credentials from now on. Returns the addresses to register at the upstream.

    Raises Unusable where the connection needs other credentials.
    """
    by_key = connection.settings.get("auth_method") == "private_key_jwt"
    if by_key != (credentials.jwk is not None) or (not by_key and not credentials.secret):
        raise Unusable("credentials: a private key for private_key_jwt, a secret for every other auth method")
    with tenant_scope(tenant.id):
        rows = ConnectionGrant.objects.of(tenant.id).filter(environment_id=environment.id, connection=connection)
        known = rows.first()
        grant_id = known.id if known else uuid7()
        sealed = vault.encrypt(tenant.id, "authflows_connectiongrant", "credentials", grant_id, credentials.as_json())
        if known:
            rows.update(credentials=sealed)
        else:
            ConnectionGrant.objects.create(
                id=grant_id, tenant_id=tenant.id, environment_id=environment.id, connection=connection, credentials=sealed
            )
        configuration.changed(tenant.id, environment.id)
        facts = {"connection": connection.name, "method": connection.method, "environment": environment.kind}
        audit.record(tenant.id, actor=actor, action="connection.granted", subject=f"connection:{connection.id}", after=facts)
    return callbacks(tenant.id, environment.id)


def withdraw(tenant: Tenant, environment: Environment, connection: Connection, *, actor: str) -> bool:
    """No further login of this environment by it; logins under way end. True where it was granted."""
    with tenant_scope(tenant.id):
        rows = ConnectionGrant.objects.of(tenant.id).filter(environment_id=environment.id, connection=connection)
        if not rows.exists():
            return False
        rows._raw_delete(rows.db)
        configuration.changed(tenant.id, environment.id)
        facts = {"connection": connection.name, "environment": environment.kind}
        audit.record(tenant.id, actor=actor, action="connection.withdrawn", subject=f"connection:{connection.id}", before=facts)
    return True


def callbacks(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> list[str]:
    """Where an upstream must let the browser come back to: one address for each of the environment's issuers."""
    issuers = Issuer.objects.select_related("domain").filter(tenant_id=tenant_id, environment_id=environment_id, state=IssuerState.ACTIVE)
    return [f"{configuration.url_of(issuer)}/upstream/callback" for issuer in issuers.order_by("id")]
