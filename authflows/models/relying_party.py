"""One application of a tenant, protocol-neutral (decision 12), and its OpenID Connect half."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.service import Level, Service
from tenants.models import Environment, Issuer, TenantOwned, TenantRef


class RelyingParty(TenantOwned):
    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    service = TenantRef(Service, related_name="+")
    service_id: uuid.UUID
    name = models.CharField(max_length=100)
    minimum_level = models.CharField(max_length=12, choices=Level.choices, blank=True)
    methods = models.JSONField(default=list, help_text="keys of upstream.registry; empty: all that the environment is granted")
    # The fields of client_settings.PartySettings.
    identities = models.CharField(max_length=10, default="private", db_default="private")
    cpr_basis = models.CharField(max_length=10, blank=True)
    cpr_optional = models.BooleanField(default=False, db_default=False)
    cpr_business = models.BooleanField(default=False, db_default=False)
    risk_basis = models.CharField(max_length=300, blank=True, db_default="")
    sso_group = models.CharField(max_length=50, blank=True)
    created_by = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True)


class AuthMethod(models.TextChoices):
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


class ClientExt(TenantOwned):
    """What django-oidc-provider's Client has no column for. `client_pk` is that row's key (composite foreign key in SQL)."""

    relying_party = TenantRef(RelyingParty, related_name="+", cascades=True)
    relying_party_id: uuid.UUID
    client_pk = models.IntegerField()
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+", db_index=False)
    token_endpoint_auth_method = models.CharField(max_length=20, choices=AuthMethod.choices, default=AuthMethod.BASIC)
    id_token_alg = models.CharField(max_length=5, default="ES256")
    grant_types = models.JSONField(default=list)
    # The fields of client_settings.ClientSettings.
    application_type = models.CharField(max_length=10, default="web")
    pkce = models.CharField(max_length=15, default="required")
    par_required = models.BooleanField(default=False)
    request_object_required = models.BooleanField(default=False)
    fapi = models.BooleanField(default=False)
    dpop_required = models.BooleanField(default=False)
    access_token_format = models.CharField(max_length=10, default="opaque")
    authorization_response_alg = models.CharField(max_length=5, blank=True)
    id_token_encryption = models.CharField(max_length=12, blank=True)
    userinfo_alg = models.CharField(max_length=5, blank=True)
    userinfo_encryption = models.CharField(max_length=12, blank=True)
    dialect = models.CharField(max_length=10, default="native")
    subjects = models.CharField(max_length=10, default="native")
    jwks = models.JSONField(null=True)
    jwks_uri = models.TextField(blank=True)
    origins = models.JSONField(default=list)
    audiences = models.JSONField(default=list)
    back_channel_logout_uri = models.TextField(blank=True)
    action = models.CharField(max_length=10, default="log_on")
    reference_text = models.TextField(blank=True)
    psd2 = models.BooleanField(default=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "client_pk"], name="authflows_clientext_client"),
            models.UniqueConstraint(fields=["tenant", "relying_party_id"], name="authflows_clientext_relying_party"),
        ]


class ClientSecret(TenantOwned):
    """SHA-256 of 256 random bits: as hard to guess as the secret itself, so no slow hash (ASVS 5 6.5.2)."""

    client = TenantRef(ClientExt, related_name="+", cascades=True)
    client_id: uuid.UUID
    hash = models.BinaryField(max_length=32)
    hint = models.CharField(max_length=20, help_text="prefix and last four characters, to tell two apart")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
