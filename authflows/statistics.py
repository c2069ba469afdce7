"""Logins as people who run a service see them: a trace id, a time and an outcome, never a person (decision 13). Never money."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from authflows.models import Login, LoginState
from tenants.isolation import tenant_scope

OPEN = "open"


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """`outcome`: completed, cancelled, failed, expired or open. `error` is what the login ended as, for its own page.

    `reused`: a session answered, so that nobody was asked and nothing is owed.
    """

    trace_id: str
    relying_party_id: uuid.UUID
    at: datetime
    ended_at: datetime | None
    outcome: str
    error: str
    trial: bool
    reused: bool

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.at).total_seconds() if self.ended_at else None


def latest(tenant_id: uuid.UUID, environment_id: uuid.UUID, *, limit: int, relying_party_id: uuid.UUID | None = None) -> list[LoginFacts]:
    """The newest first, of an environment or of one of its relying parties."""
    with tenant_scope(tenant_id):
        rows = Login.objects.of(tenant_id).filter(environment_id=environment_id)
        if relying_party_id is not None:
            rows = rows.filter(relying_party_id=relying_party_id)
        return _facts(rows.order_by("-created_at")[:limit])


def trial(tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID, state: str) -> LoginFacts | None:
    """The trial that was asked for with this state."""
    with tenant_scope(tenant_id):
        rows = Login.objects.of(tenant_id).filter(environment_id=environment_id, relying_party_id=relying_party_id, trial=True)
        return next(iter(_facts(rows.filter(request__reply__state=state).order_by("-created_at")[:1])), None)


def _facts(rows: QuerySet[Login]) -> list[LoginFacts]:
    columns = ("trace_id", "relying_party_id", "created_at", "ended_at", "state", "outcome", "error", "trial", "reused")
    return [
        LoginFacts(trace_id, party, at, ended, _outcome(state, outcome), error, trial, reused)
        for trace_id, party, at, ended, state, outcome, error, trial, reused in rows.values_list(*columns)
    ]


def _outcome(state: str, outcome: str) -> str:
    match state:
        case LoginState.COMPLETED:
            return "completed"
        case LoginState.FAILED:
            return outcome
    return OPEN
