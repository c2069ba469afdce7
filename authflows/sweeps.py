"""Ends what nobody will come back for. Each tenant in a transaction of its own; what one tenant's rows do stops nobody else's."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from authflows import login, store
from authflows.errors import LoginError
from authflows.models import (
    AccessToken,
    ApiToken,
    BrokerSession,
    CoreSession,
    CoreState,
    Grant,
    Login,
    PushedRequest,
    RefreshToken,
    RefusedRedirect,
    RememberedCpr,
    SimulatedSession,
    SpentJti,
)
from authflows.upstream.base import LooksUp, Lost
from authflows.upstream.registry import UPSTREAMS
from billing.metering import UsageEvent
from tenants import limits
from tenants.isolation import tenant_ids, tenant_scope
from tenants.models import Tenant

log = logging.getLogger("authflows")
AT_ONCE = 500
REFUSALS_SHOWN = timedelta(days=30)
# Longer than the outbox tries.
MEMBERS_TOLD = timedelta(days=5)


def confirm_open_core_sessions() -> int:
    """Asks the core what became of requests whose answer was lost. What it cannot say stays open and is asked again."""
    return _each_tenant("broker_tenants_with_open_core_sessions", _confirm)


def _confirm(tenant_id: uuid.UUID) -> int:
    before = timezone.now() - timedelta(seconds=settings.CORE_ANSWER_SECONDS)
    with tenant_scope(tenant_id):
        open_sessions = list(
            CoreSession.objects.of(tenant_id)
            .select_related("login", "connection")
            .filter(state__in=[CoreState.REQUESTING, CoreState.UNCONFIRMED], created_at__lt=before)[:AT_ONCE]
        )
    operator_id = Tenant.objects.values_list("operator_id", flat=True).get(id=tenant_id)
    confirmed = 0
    for session in open_sessions:
        upstream = UPSTREAMS[session.connection.kind]
        if not isinstance(upstream, LooksUp):
            continue
        try:
            core_id = upstream.look_up(session.id, str(session.login.environment_id))
        except Lost:
            log.warning("core session %s is still unconfirmed", session.id)
            continue
        login.confirm(tenant_id, _event(session, operator_id), core_id)
        confirmed += 1
    return confirmed


def _event(session: CoreSession, operator_id: uuid.UUID) -> UsageEvent:
    return UsageEvent(
        tenant_id=session.tenant_id,
        operator_id=operator_id,
        request_id=session.id,
        environment_id=session.login.environment_id,
        relying_party_id=session.login.relying_party_id,
        connection_id=session.connection_id,
        action=session.action,
        usage_model=session.connection.usage_model,
        core_client=session.connection.core_client,
    )


def expire_logins() -> int:
    """Logins whose time is over end as expired, and so do the requests that they cost."""
    return _each_tenant("broker_tenants_with_overdue_logins", _expire)


def _expire(tenant_id: uuid.UUID) -> int:
    with tenant_scope(tenant_id):
        overdue = list(
            Login.objects.of(tenant_id)
            .filter(ended_at__isnull=True, expires_at__lt=timezone.now())
            .exclude(state="requesting")
            .values_list("id", flat=True)[:AT_ONCE]
        )
        accepted = dict(
            CoreSession.objects.of(tenant_id)
            .filter(login_id__in=overdue, state__in=[CoreState.ACCEPTED, CoreState.FINISHED])
            .order_by("id")
            .values_list("login_id", "id")
        )
    for login_id in overdue:
        store.fail(tenant_id, login_id, accepted.get(login_id), outcome="expired", error="expired", answer={"ending": "expired"})
    return len(overdue)


def purge() -> None:
    """Tokens, codes and sessions that have ended lose their sealed claims and go; so do limits and simulated sessions."""
    _each_tenant("broker_tenant_ids", _purge)
    SimulatedSession.objects.filter(created_at__lt=timezone.now() - timedelta(days=7)).delete()
    limits.purge()


def _purge(tenant_id: uuid.UUID) -> int:
    now = timezone.now()
    with tenant_scope(tenant_id):
        Grant.objects.of(tenant_id).filter(sealed__isnull=False, code_expires_at__lt=now).update(sealed=None)
        SpentJti.objects.of(tenant_id).filter(expires_at__lt=now)._raw_delete(connection.alias)
        PushedRequest.objects.of(tenant_id).filter(expires_at__lt=now - timedelta(days=1))._raw_delete(connection.alias)
        RememberedCpr.objects.of(tenant_id).filter(expires_at__lt=now)._raw_delete(connection.alias)
        RefusedRedirect.objects.of(tenant_id).filter(last_at__lt=now - REFUSALS_SHOWN)._raw_delete(connection.alias)
        AccessToken.objects.of(tenant_id).filter(expires_at__lt=now)._raw_delete(connection.alias)
        ApiToken.objects.of(tenant_id).filter(expires_at__lt=now)._raw_delete(connection.alias)
        _purge_sessions(tenant_id)
        living, sessions = AccessToken.objects.of(tenant_id).values("grant_id"), BrokerSession.objects.of(tenant_id).values("id")
        # Replaced tokens stay as long as their family: they are how a replay is recognised.
        refreshable = RefreshToken.objects.of(tenant_id).filter(idle_expires_at__gt=now).values("grant_id")
        ended = Grant.objects.of(tenant_id).filter(code_expires_at__lt=now - timedelta(days=1))
        ended = ended.filter(Q(revoked_at__lt=now - timedelta(days=1)) | ~Q(id__in=living) & ~Q(id__in=refreshable))
        ended = ended.exclude(session_id__in=sessions)
        return int(ended._raw_delete(connection.alias))


def _purge_sessions(tenant_id: uuid.UUID) -> None:
    """Sessions whose time is over, and those that were ended when their members have been told, or never will be."""
    now, rows = timezone.now(), BrokerSession.objects.of(tenant_id)
    over = Q(expires_at__lt=now) | Q(used_at__lt=now - timedelta(seconds=settings.SESSION_IDLE_SECONDS))
    rows.filter(over, ended_at__isnull=True)._raw_delete(connection.alias)
    rows.filter(ended_at__lt=now - MEMBERS_TOLD)._raw_delete(connection.alias)


def _each_tenant(function: str, work: Callable[[uuid.UUID], int]) -> int:
    done = 0
    for tenant_id in tenant_ids(function):
        try:
            done += work(tenant_id)
        except (DatabaseError, psycopg.Error, LoginError):
            log.exception("sweep of tenant %s", tenant_id)
    return done
