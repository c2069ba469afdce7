"""Back-channel logout: each member of an ended session is told at its own address, until it has heard it (Back-Channel Logout 1.0)."""

from __future__ import annotations

import logging
import uuid
from urllib.parse import urlencode

from django.conf import settings

from authflows import configuration
from authflows.configuration import Client, IssuerConfig
from authflows.oidc import logout
from authflows.oidc.logout import Member
from tenants import outbound, outbox
from tenants.models import Issuer, OutboxMessage

logger = logging.getLogger(__name__)

HEARD = (200, 204)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class NotHeard(Exception):
    """Some member has not taken it: the message stays for them."""


def send(message: OutboxMessage) -> None:
    """ids: {"session": id of an ended BrokerSession}; "told" is added, the sids of members that have heard. Raises NotHeard."""
    assert message.for_tenant is not None
    told = set(str(message.ids.get("told", "")).split())
    failed = 0
    for member in logout.members(message.for_tenant, uuid.UUID(message.ids["session"])):
        if member.sid in told:
            continue
        if _tell(member):
            told.add(member.sid)
            outbox.remember(message, told=" ".join(sorted(told)))
        else:
            failed += 1
    if failed:
        raise NotHeard(f"{failed} members")


def _tell(member: Member) -> bool:
    """True as well where there is nobody to tell."""
    issuer = configuration.load(Issuer.objects.select_related("tenant__operator", "domain").get(id=member.issuer_id))
    client = configuration.client_of(issuer, member.relying_party_id)
    if client is None or not client.back_channel_logout_uri:
        return True
    try:
        return _heard(issuer, client, member)
    except (outbound.Refused, outbound.Failed) as problem:
        logger.warning("client %s was not told of a logout: %s", client.client_id, problem)
        return False


def _heard(issuer: IssuerConfig, client: Client, member: Member) -> bool:
    body = urlencode({"logout_token": logout.logout_token(issuer, client, member)}).encode()
    answer = outbound.fetch(client.back_channel_logout_uri, body=body, headers=FORM, loopback=settings.DEMO)
    if answer.status not in HEARD:
        logger.warning("client %s answered a logout with %d", client.client_id, answer.status)
    return answer.status in HEARD
