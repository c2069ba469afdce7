"""Comparing a CPR number with the person who logged in: few tries, for a short while, whoever asks (on our page or by the API)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from authflows import cpr, cpr_store
from authflows.configuration import IssuerConfig, Upstream
from authflows.upstream.base import Lost, MatchesCpr, Refused
from authflows.upstream.registry import UPSTREAMS


@dataclass(frozen=True, slots=True)
class Compared:
    matched: bool
    left: int


class Over(Exception):
    """No more comparing in this core session. `why` is a key of errors.ENDINGS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def able(connection: Upstream) -> bool:
    """Whether this connection can compare numbers at all."""
    return isinstance(UPSTREAMS[connection.kind], MatchesCpr)


def compare(issuer: IssuerConfig, core_session: uuid.UUID, authenticated_at: datetime, number: str) -> Compared:
    """A try is taken before the core is asked, and stays taken whatever becomes of the answer. Raises Over, and upstream.base.Lost."""
    if not cpr.in_time(authenticated_at, timezone.now()):
        raise Over("cpr_too_late")
    taken = cpr_store.take_try(issuer.tenant_id, core_session)
    if taken is None:
        raise Over("cpr_not_matched")
    upstream = next((UPSTREAMS[each.kind] for each in issuer.upstreams if each.id == taken.connection_id), None)
    if not isinstance(upstream, MatchesCpr):
        raise Lost("the connection compares no numbers")
    try:
        matched = upstream.matches_cpr(str(issuer.environment_id), taken.core_id, number)
    except Refused:
        raise Over("cpr_not_matched") from None
    return Compared(matched, cpr.TRIES - taken.used)
