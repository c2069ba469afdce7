"""What a completed login left: a subject, an approval for one client, and the tokens given for it."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.login import Login
from authflows.models.relying_party import RelyingParty
from tenants.models import Environment, Issuer, TenantOwned, TenantRef


class SubjectKind(models.TextChoices):
    PRIVATE = "private"
    BUSINESS = "business"


class Subject(TenantOwned):
    """A person as one organisation knows them in one environment; `id` is the `sub` (decision 2)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    kind = models.CharField(max_length=8, choices=SubjectKind.choices)
    key = models.BinaryField(max_length=32, help_text="HMAC-SHA-256 of the national id with the environment's secret")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "kind", "key"], name="authflows_subject_person"),
        ]


class SubjectScheme(models.TextChoices):
    IDURA = "idura"
    NEB = "neb"
    SIGNICAT = "signicat"
    NEMID_PID = "nemid_pid"


class SubjectAlias(TenantOwned):
    """An id by which the tenant knows a person from before (decision 2), linked at their first login here."""

    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    scheme = models.CharField(max_length=10, choices=SubjectScheme.choices)
    value = models.CharField(max_length=255, help_text="the old sub, or the PID")
    key = models.BinaryField(max_length=32, null=True, help_text="as Subject.key, where the MitID UUID is known")
    subject = TenantRef(Subject, related_name="+", null=True)
    subject_id: uuid.UUID | None
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    linked_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "scheme", "value"], name="authflows_subjectalias_value"),
            models.UniqueConstraint(fields=["tenant", "environment_id", "scheme", "key"], name="authflows_subjectalias_person"),
        ]


class Grant(TenantOwned):
    """One approval for one client; also the family of the tokens issued for it."""

    login = TenantRef(Login, related_name="+")
    login_id: uuid.UUID
    relying_party = TenantRef(RelyingParty, related_name="+")
    relying_party_id: uuid.UUID
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+", db_index=False)
    subject_id = models.UUIDField(help_text="sub; a login that asks only for age has one that is not stored")
    sub = models.TextField(db_default="", blank=True, help_text="what the client is told in its place, or empty")
    code_hash = models.BinaryField(max_length=32)
    code_expires_at = models.DateTimeField()
    redirect_uri = models.TextField()
    challenge = models.CharField(max_length=128, blank=True)
    nonce = models.TextField(blank=True)
    scope = models.TextField()
    acr = models.CharField(max_length=100)
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    sid = models.CharField(max_length=43)
    jkt = models.CharField(max_length=43, blank=True, db_default="", help_text="the key that the code is bound to (RFC 9449 section 10)")
    session_id = models.UUIDField(null=True, editable=False, help_text="its BrokerSession; no reference: that may go first")
    sealed = models.BinaryField(null=True, help_text="claims, sealed to the code; nulled at redemption")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "code_hash"], name="authflows_grant_code"),
        ]
        indexes = [
            models.Index(fields=["tenant", "session_id"], name="authflows_grant_session"),
            models.Index(fields=["tenant", "sid"], name="authflows_grant_sid"),
        ]


class AccessToken(TenantOwned):
    grant = TenantRef(Grant, related_name="+", cascades=True)
    grant_id: uuid.UUID
    hash = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()
    jkt = models.CharField(max_length=43, blank=True, db_default="", help_text="the key that the token is bound to (RFC 9449 section 6)")
    sealed = models.BinaryField(null=True, help_text="claims, sealed to the token; nulled when it ends")
    scope = models.TextField(db_default="", blank=True, help_text="where a refresh asked for less than the grant; blank: the grant's")
    confirms = models.UUIDField(null=True, help_text="the refresh token that its first use ends")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "hash"], name="authflows_accesstoken_hash"),
        ]
        indexes = [models.Index(fields=["tenant", "grant_id"], name="authflows_accesstoken_grant")]


class RefreshToken(TenantOwned):
    """Confidential clients keep theirs; a public client's is replaced at each use, and the row stays to recognise a replay."""

    grant = TenantRef(Grant, related_name="+", cascades=True)
    grant_id: uuid.UUID
    hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    idle_expires_at = models.DateTimeField(help_text="moves with each use")
    expires_at = models.DateTimeField(help_text="of the whole family; never moves")
    used_at = models.DateTimeField(null=True)
    predecessor_id = models.UUIDField(null=True, help_text="the token that this one replaced")
    replaced_at = models.DateTimeField(null=True)
    spent_at = models.DateTimeField(null=True, help_text="its successor was used: from here on it is a replay")
    salt = models.BinaryField(null=True, max_length=32, help_text="with the token itself gives the successor")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "hash"], name="authflows_refreshtoken_hash"),
        ]
        indexes = [models.Index(fields=["tenant", "grant_id"], name="authflows_refreshtoken_grant")]
