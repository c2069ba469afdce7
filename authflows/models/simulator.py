"""The simulator's own memory. It plays MitID, so it knows no tenant: a service is an environment's id."""

from django.db import models
from django.db.models.functions import Now

from tenants.ids import uuid7


class SimulatedSession(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.UUIDField(unique=True, help_text="the caller's id of the request")
    service = models.CharField(max_length=40)
    request = models.JSONField(help_text="action, provider, reference text, level, language")
    state = models.CharField(max_length=12, default="shown")
    person = models.CharField(max_length=48, blank=True, help_text="user id of a simulated person")
    method = models.CharField(max_length=20, blank=True, help_text="a key of simulator.methods, once one is chosen")
    tries = models.PositiveSmallIntegerField(default=0, help_text="wrong answers at this step")
    channel = models.CharField(max_length=32, blank=True, help_text="ties an approval on the phone to the screen that asked")
    qr = models.BooleanField(default=False, help_text="the screen shows the channel as QR frames, not as four digits")
    result = models.JSONField(null=True)
    code_hash = models.BinaryField(max_length=32, null=True, unique=True)
    redeemed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person"], condition=models.Q(state="waiting"), name="authflows_simulated_waiting")]


class SimulatorLedger(models.Model):
    """Every authentication request that the simulated core accepted, as MitID would count them."""

    reference = models.UUIDField(primary_key=True)
    service = models.CharField(max_length=40)
    accepted_at = models.DateTimeField(db_default=Now(), editable=False)


class SimulatedPerson(models.Model):
    """Somebody who was invented for one test environment. Nobody is like this: CPR numbers are of the replacement series."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(max_length=40)
    user_id = models.CharField(max_length=48)
    given_name = models.CharField(max_length=60)
    family_name = models.CharField(max_length=60)
    birthdate = models.DateField()
    cpr = models.CharField(max_length=10, blank=True)
    ial = models.CharField(max_length=11)
    app = models.CharField(max_length=11, blank=True, help_text="the level that their app is enrolled for")
    authenticators = models.JSONField(default=list)
    behaviour = models.CharField(max_length=10, help_text="steps, or what an automatic person does at once")
    name_protected = models.BooleanField(default=False)
    blocked = models.BooleanField(default=False)
    employments = models.JSONField(default=list, help_text="members of identity.Employment, but the uuid")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "user_id"], name="authflows_simulatedperson_one")]


class SimulatedChip(models.Model):
    """A security key that somebody registered as a simulated person's chip (Web Authentication)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(max_length=40)
    person = models.CharField(max_length=48)
    credential = models.BinaryField(max_length=1023, help_text="the chip's own id of what it made for us")
    key = models.BinaryField(max_length=2048, help_text="COSE, as CBOR")
    rp_id = models.CharField(max_length=253, help_text="the host that it was registered at, and works at")
    origin = models.CharField(max_length=300)
    count = models.BigIntegerField(default=0, help_text="signatures that it has made, as it counts them itself; 0 where it does not")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "credential"], name="authflows_simulatedchip_one")]
        indexes = [models.Index(fields=["service", "person"], name="authflows_simulatedchip_whose")]


class SimulatedBlock(models.Model):
    """A simulated person's authenticator that is blocked for a while."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.CharField(max_length=40)
    person = models.CharField(max_length=48)
    factor = models.CharField(max_length=20)
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "person", "factor"], name="authflows_simulatedblock_one")]
