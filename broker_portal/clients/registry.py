"""The clients of an environment as the portal shows them: one object of what lies in three tables."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from oidc_provider.models import Client as RegisteredClient

from authflows.models import ClientExt, ClientSecret, RelyingParty
from authflows.registration import live_secrets
from tenants.isolation import tenant_scope
from tenants.models import Environment, Issuer


@dataclass(frozen=True, slots=True)
class ClientFacts:
    relying_party_id: uuid.UUID
    ext_id: uuid.UUID
    issuer_id: uuid.UUID
    client_id: str
    name: str
    auth_method: str
    id_token_alg: str
    native: bool
    pkce: str
    level: str
    scopes: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    created_at: datetime
    closed: bool


def environment_of(tenant_id: uuid.UUID, kind: str) -> Environment:
    with tenant_scope(tenant_id):
        return Environment.objects.of(tenant_id).get(kind=kind)


def clients_of(tenant_id: uuid.UUID, environment: Environment) -> list[ClientFacts]:
    """By name; closed ones last."""
    with tenant_scope(tenant_id):
        parties = {party.id: party for party in RelyingParty.objects.of(tenant_id).filter(environment_id=environment.id)}
        exts = list(ClientExt.objects.of(tenant_id).filter(relying_party_id__in=list(parties)))
        clients = {client.pk: client for client in RegisteredClient.objects.filter(pk__in=[ext.client_pk for ext in exts])}
    facts = [_facts(parties[ext.relying_party_id], ext, clients[ext.client_pk]) for ext in exts]
    return sorted(facts, key=lambda client: (client.closed, client.name.casefold(), client.client_id))


def client_of(tenant_id: uuid.UUID, environment: Environment, client_id: str) -> ClientFacts:
    """Raises Http404 for a client of any other environment, as for none."""
    with tenant_scope(tenant_id):
        client = RegisteredClient.objects.filter(client_id=client_id).first()
        ext = ClientExt.objects.of(tenant_id).filter(client_pk=client.pk).first() if client else None
        party = RelyingParty.objects.of(tenant_id).filter(id=ext.relying_party_id, environment_id=environment.id).first() if ext else None
    if ext is None or party is None:
        raise Http404
    return _facts(party, ext, client)


def secrets_of(tenant_id: uuid.UUID, client: ClientFacts) -> list[ClientSecret]:
    """Those that work now, the newest first."""
    with tenant_scope(tenant_id):
        return live_secrets(tenant_id, client.ext_id)


def issuer_of(client: ClientFacts) -> Issuer:
    return Issuer.objects.select_related("tenant__operator", "domain").get(id=client.issuer_id)


def _facts(party: RelyingParty, ext: ClientExt, client: Any) -> ClientFacts:
    return ClientFacts(
        relying_party_id=party.id,
        ext_id=ext.id,
        issuer_id=ext.issuer_id,
        client_id=client.client_id,
        name=party.name,
        auth_method=ext.token_endpoint_auth_method,
        id_token_alg=ext.id_token_alg,
        native=ext.application_type == "native",
        pkce=ext.pkce,
        level=party.minimum_level,
        scopes=client._scope,
        redirect_uris=tuple(client._redirect_uris.splitlines()),
        post_logout_redirect_uris=tuple(client._post_logout_redirect_uris.splitlines()),
        created_at=party.created_at,
        closed=party.closed_at is not None,
    )
