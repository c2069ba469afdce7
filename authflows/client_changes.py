"""What becomes of a client after its registration: its settings change, and one day it is closed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db.models.functions import Now
from oidc_provider.models import Client as RegisteredClient

from authflows import configuration
from authflows.client_settings import OF_CLIENT, OF_PARTY
from authflows.models import ClientExt, ClientSecret, Grant, RelyingParty, Service
from authflows.registration import Registration, check, check_audiences
from tenants import audit
from tenants.isolation import tenant_scope
from tenants.models import Environment


@dataclass(frozen=True, slots=True)
class _Rows:
    party: RelyingParty
    ext: ClientExt
    client: RegisteredClient
    service: Service

    @classmethod
    def locked(cls, tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID) -> _Rows:
        """Runs in the tenant's scope."""
        ours = RelyingParty.objects.of(tenant_id).filter(environment_id=environment_id, closed_at__isnull=True)
        party = ours.select_for_update().get(id=relying_party_id)
        ext = ClientExt.objects.of(tenant_id).get(relying_party_id=party.id)
        service = Service.objects.of(tenant_id).get(id=party.service_id)
        return cls(party, ext, RegisteredClient.objects.get(pk=ext.client_pk), service)

    def registration(self) -> Registration:
        return Registration(
            name=self.party.name,
            redirect_uris=tuple(self.client._redirect_uris.splitlines()),
            post_logout_redirect_uris=tuple(self.client._post_logout_redirect_uris.splitlines()),
            auth_method=self.ext.token_endpoint_auth_method,
            id_token_alg=self.ext.id_token_alg,
            scopes=tuple(self.client._scope.split()),
            alias=self.service.alias,
            minimum_level=self.party.minimum_level,
            sso_group=self.party.sso_group,
            created_by=self.party.created_by,
            **{name: getattr(self.party, name) for name in OF_PARTY}
            | {name: getattr(self.ext, name) for name in OF_CLIENT}
            | {"origins": tuple(self.ext.origins), "audiences": tuple(self.ext.audiences)},
        )

    def become(self, wanted: Registration) -> None:
        for name in OF_CLIENT:
            setattr(self.ext, name, getattr(wanted, name))
        for name in OF_PARTY:
            setattr(self.party, name, getattr(wanted, name))
        self.ext.id_token_alg, self.ext.grant_types = wanted.id_token_alg, wanted.grant_types
        self.ext.save()
        self.party.minimum_level, self.party.sso_group = wanted.minimum_level, wanted.sso_group
        self.party.save()
        self.client._scope = " ".join(dict.fromkeys(wanted.scopes))
        self.client._post_logout_redirect_uris = "\n".join(dict.fromkeys(wanted.post_logout_redirect_uris))
        self.client.save()


def current(tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID) -> Registration:
    """What a client is registered as today. Raises RelyingParty.DoesNotExist for a closed one."""
    with tenant_scope(tenant_id):
        return _Rows.locked(tenant_id, environment_id, relying_party_id).registration()


def change(
    tenant_id: uuid.UUID, environment: Environment, relying_party_id: uuid.UUID, changes: Mapping[str, Any], *, actor: str
) -> Registration:
    """For every process at once. Raises registration.Refused; then nothing has changed."""
    with tenant_scope(tenant_id):
        rows = _Rows.locked(tenant_id, environment.id, relying_party_id)
        before = rows.registration()
        wanted = replace(before, **changes)
        check(environment.kind, wanted)
        check_audiences(tenant_id, environment.id, wanted.audiences)
        if wanted != before:
            rows.become(wanted)
            configuration.changed(tenant_id, environment.id)
            old, new = audit.changed(_facts(before), _facts(wanted))
            subject = f"relying_party:{relying_party_id}"
            audit.record(tenant_id, actor=actor, action="client.changed", subject=subject, before=old, after=new)
    return wanted


def close(tenant_id: uuid.UUID, environment: Environment, relying_party_id: uuid.UUID, *, actor: str) -> bool:
    """No further login, and what its logins gave has ended. True where this closed it; its usage stays."""
    with tenant_scope(tenant_id):
        parties = RelyingParty.objects.of(tenant_id).filter(id=relying_party_id, environment_id=environment.id, closed_at__isnull=True)
        if not parties.update(closed_at=Now()):
            return False
        ext = ClientExt.objects.of(tenant_id).get(relying_party_id=relying_party_id)
        ClientSecret.objects.of(tenant_id).filter(client_id=ext.id, revoked_at__isnull=True).update(revoked_at=Now())
        Grant.objects.of(tenant_id).filter(relying_party_id=relying_party_id, revoked_at__isnull=True).update(revoked_at=Now(), sealed=None)
        configuration.changed(tenant_id, environment.id)
        audit.record(tenant_id, actor=actor, action="client.closed", subject=f"relying_party:{relying_party_id}")
    return True


def _facts(registration: Registration) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(registration).items()}
