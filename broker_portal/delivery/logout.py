"""Back-channel logout: each member of an ended session is told at its own address, until it has heard it (Back-Channel Logout 1.0)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
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
# One that does not answer takes five seconds: the others do not wait for it, and a session's members are not all called at once.
SIDE_BY_SIDE = 8


class NotHeard(Exception):
    """Some member has not taken it: the message stays for them."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A member with an address, and what signs for it."""

    issuer: IssuerConfig
    client: Client
    member: Member


def send(message: OutboxMessage) -> None:
    """ids: {"session": id of an ended BrokerSession}; "told" is added, the sids of members that have heard. Raises NotHeard."""
    assert message.for_tenant is not None
    told = set(str(message.ids.get("told", "")).split())
    members = logout.members(message.for_tenant, uuid.UUID(message.ids["session"]))
    listening = list(_listening([member for member in members if member.sid not in told]))
    failed = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE, "logout") as pool:
        calls = {pool.submit(_tell, each): each.member for each in listening}
        for call in as_completed(calls):
            if call.result():
                told.add(calls[call].sid)
                outbox.remember(message, told=" ".join(sorted(told)))
            else:
                failed += 1
    if failed:
        raise NotHeard(f"{failed} members")


def _listening(members: list[Member]) -> Iterator[Listener]:
    """Those that are to be told; what this needs of the database is read before anybody is called."""
    rows = Issuer.objects.select_related("tenant__operator", "domain").in_bulk({member.issuer_id for member in members})
    issuers = {issuer_id: configuration.load(row) for issuer_id, row in rows.items()}
    for member in members:
        issuer = issuers[member.issuer_id]
        client = configuration.client_of(issuer, member.relying_party_id)
        if client is not None and client.back_channel_logout_uri:
            yield Listener(issuer, client, member)


def _tell(listener: Listener) -> bool:
    """Runs beside others: it asks the database nothing."""
    client = listener.client
    body = urlencode({"logout_token": logout.logout_token(listener.issuer, client, listener.member)}).encode()
    try:
        answer = outbound.fetch(client.back_channel_logout_uri, body=body, headers=FORM, loopback=settings.DEMO)
    except (outbound.Refused, outbound.Failed) as problem:
        logger.warning("client %s was not told of a logout: %s", client.client_id, problem)
        return False
    if answer.status not in HEARD:
        logger.warning("client %s answered a logout with %d", client.client_id, answer.status)
    return answer.status in HEARD
