"""One authorization request, and the requests to the core that it cost."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.relying_party import RelyingParty
from authflows.models.service import Connection
from tenants.models import Environment, Issuer, TenantOwned, TenantRef


class LoginState(models.TextChoices):
    CREATED = "created"  # stored; the cookie has not come back
    REQUESTING = "requesting"  # a core session is being asked for
    REQUESTED = "requested"  # the core accepted: the box is open
    COMPLETED = "completed"
    FAILED = "failed"


class Login(TenantOwned):
    """One per authorization request; nothing of it lives in a session (decision 8). No claim is ever a column."""

    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+", db_index=False)
    relying_party = TenantRef(RelyingParty, related_name="+")
    relying_party_id: uuid.UUID
    handle = models.CharField(max_length=22, help_text="128 random bits; in the login's addresses")
    browser_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the secret in the cookie named after the handle")
    state = models.CharField(max_length=12, choices=LoginState.choices, default=LoginState.CREATED)
    request = models.JSONField(help_text="the frozen LoginRequest")
    sealed = models.BinaryField(null=True, help_text="who logged in, sealed to the cookie's secret, while a choice of theirs is awaited")
    answer = models.JSONField(null=True, help_text="how it ended, without claims: enough to answer a repeat the same way")
    outcome = models.CharField(max_length=12, blank=True)
    error = models.CharField(max_length=50, blank=True)
    trace_id = models.CharField(max_length=32)
    trial = models.BooleanField(default=False)
    reused = models.BooleanField(db_default=False, default=False, help_text="a session answered: the core was not asked, nothing is owed")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "handle"], name="authflows_login_handle"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=models.Q(ended_at__isnull=True), name="authflows_login_open"),
            models.Index(fields=["tenant", "environment_id", "created_at"], name="authflows_login_recent"),
        ]


class CoreState(models.TextChoices):
    REQUESTING = "requesting"  # committed before the core is called
    ACCEPTED = "accepted"  # metered
    REFUSED = "refused"  # the core said no, or does not know it
    UNCONFIRMED = "unconfirmed"  # the answer was lost: the sweep asks
    FINISHED = "finished"  # its result has been taken


class CoreSession(TenantOwned):
    """One authentication request to the core: the billable unit (decision 10). Its id is sent as the core's reference."""

    login = TenantRef(Login, related_name="+")
    login_id: uuid.UUID
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=CoreState.choices, default=CoreState.REQUESTING)
    core_id = models.CharField(max_length=64, blank=True)
    cpr_tries = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="CPR numbers that were tried in it")
    action = models.CharField(max_length=10, default="log_on")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    accepted_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index(fields=["tenant", "login_id"], name="authflows_coresession_login"),
            models.Index(
                fields=["created_at"], condition=models.Q(state__in=["requesting", "unconfirmed"]), name="authflows_coresession_open"
            ),
        ]
