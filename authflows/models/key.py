"""Keys of an environment; private parts are the vault's (decision 14)."""

import uuid

from django.db import models
from django.db.models.functions import Now

from tenants.models import Environment, TenantOwned, TenantRef


class Purpose(models.TextChoices):
    OIDC_SIGN = "oidc_sign"
    OIDC_DECRYPT = "oidc_decrypt"
    SAML_SIGN = "saml_sign"
    SAML_DECRYPT = "saml_decrypt"
    UPSTREAM_AUTH = "upstream_auth"
    HOOK_SIGN = "hook_sign"
    APPROVAL_SIGN = "approval_sign"


class KeyState(models.TextChoices):
    NEXT = "next"
    ACTIVE = "active"
    RETIRING = "retiring"
    GONE = "gone"


class Key(TenantOwned):
    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    purpose = models.CharField(max_length=15, choices=Purpose.choices)
    alg = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=KeyState.choices, default=KeyState.NEXT)
    kid = models.CharField(max_length=43, help_text="RFC 7638 thumbprint")
    public = models.JSONField(help_text="the public JWK")
    certificate = models.TextField(blank=True)
    private = models.BinaryField(help_text="PKCS#8, encrypted by the vault")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "kid"], name="authflows_key_kid"),
        ]


class SubjectSecret(TenantOwned):
    """The secret behind an environment's subject keys: made once, re-wrapped, never changed (decision 2)."""

    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    secret = models.BinaryField(help_text="256 bits, encrypted by the vault")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id"], name="authflows_subjectsecret_one"),
        ]
