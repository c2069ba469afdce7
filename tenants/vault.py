"""Secrets at rest: AES-256-GCM with a data key per tenant, which a master key wraps.

A ciphertext is bound to tenant, table, column and row: it opens nowhere but where it was put. Layout: version byte, nonce, ciphertext, tag.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, transaction

from tenants.isolation import tenant_ids, tenant_scope
from tenants.masterkeys import NONCE_BYTES, MasterKeys, UnknownMasterKey, master_keys
from tenants.models import DataKey, MasterKey

VERSION = b"\x01"
DATA_KEY_BYTES = 32
TO_REWRAP = "broker_tenants_to_rewrap"

_open: dict[uuid.UUID, AESGCM] = {}


class CannotOpen(Exception):
    """Not encrypted by this tenant's data key for this table, column and row."""


class NoDataKey(Exception):
    """The tenant has no data key: it was not opened by `tenancy.open_tenant`."""


def encrypt(tenant_id: uuid.UUID, table: str, column: str, row_id: uuid.UUID, plaintext: bytes) -> bytes:
    """Raises NoDataKey."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + _data_key(tenant_id).encrypt(nonce, plaintext, _place(tenant_id, table, column, row_id))


def decrypt(tenant_id: uuid.UUID, table: str, column: str, row_id: uuid.UUID, ciphertext: bytes) -> bytes:
    """Raises CannotOpen, NoDataKey."""
    if ciphertext[:1] != VERSION:
        raise CannotOpen(f"{table}.{column}")
    nonce, sealed = ciphertext[1 : 1 + NONCE_BYTES], ciphertext[1 + NONCE_BYTES :]
    try:
        return _data_key(tenant_id).decrypt(nonce, sealed, _place(tenant_id, table, column, row_id))
    except InvalidTag:
        raise CannotOpen(f"{table}.{column}") from None


def make_data_key(tenant_id: uuid.UUID) -> None:
    """Gives a tenant its data key, once."""
    with tenant_scope(tenant_id):
        if DataKey.objects.of(tenant_id).exists():
            return
        kid = _current_master_key()
        wrapped = master_keys().wrap(kid, os.urandom(DATA_KEY_BYTES), _wrapping(tenant_id))
        DataKey.objects.bulk_create([DataKey(tenant_id=tenant_id, master_kid=kid, wrapped=wrapped)], ignore_conflicts=True)


@dataclass(frozen=True)
class Rotation:
    kid: str
    # False when the others stand in a variable that only its owner can change.
    others_forgotten: bool


def change_master_key() -> Rotation:
    """Takes a new master key into use, wraps every data key with it and forgets the others.

    Safe beside running processes, beside another change, and again after an interruption. Raises FixedMasterKeys when the keys stand in a
    variable that does not begin with a new one.
    """
    keys = master_keys()
    # Both ends hold the current row, so that none forgets a key that another has added and not yet made current.
    with transaction.atomic():
        before = _current_master_key("UPDATE")
        kid = keys.first()
        if kid == before or MasterKey.objects.filter(kid=kid).exists():
            kid = keys.add()
        MasterKey.objects.filter(kid=before).update(current=False)
        MasterKey.objects.create(kid=kid)
    while True:
        for tenant_id in tenant_ids(TO_REWRAP):
            _rewrap(tenant_id, keys)
        with transaction.atomic():
            current = _current_master_key("UPDATE")
            if not tenant_ids(TO_REWRAP):
                return Rotation(current, keys.keep_only(current))


def _rewrap(tenant_id: uuid.UUID, keys: MasterKeys) -> None:
    with tenant_scope(tenant_id):
        row = DataKey.objects.of(tenant_id).select_for_update().get()
        kid = _current_master_key()
        key = keys.unwrap(row.master_kid, bytes(row.wrapped), _wrapping(tenant_id))
        row.master_kid, row.wrapped = kid, keys.wrap(kid, key, _wrapping(tenant_id))
        row.save(update_fields=["master_kid", "wrapped"])


def _current_master_key(lock: str = "SHARE") -> str:
    """Locked until the transaction ends: no data key is wrapped by a key that a change has retired meanwhile."""
    for _ in range(10):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT kid FROM tenants_masterkey WHERE current FOR {lock}")
            row = cursor.fetchone()
        if row:
            return str(row[0])
        # None yet; or the row that we waited for has just been retired, and only a new statement sees its successor.
        if not MasterKey.objects.exists():
            MasterKey.objects.bulk_create([MasterKey(kid=master_keys().first())], ignore_conflicts=True)
    raise UnknownMasterKey("no master key is current")


def _data_key(tenant_id: uuid.UUID) -> AESGCM:
    try:
        return _open[tenant_id]
    except KeyError:
        pass
    with tenant_scope(tenant_id):
        cipher = AESGCM(_unwrapped(tenant_id))
        # Not before the commit: a key that is rolled back must never encrypt anything that stays.
        transaction.on_commit(lambda: _open.__setitem__(tenant_id, cipher))
    return cipher


def _unwrapped(tenant_id: uuid.UUID) -> bytes:
    tried: str | None = None
    while True:
        row = DataKey.objects.of(tenant_id).first()
        if row is None:
            raise NoDataKey(str(tenant_id))
        try:
            return master_keys().unwrap(row.master_kid, bytes(row.wrapped), _wrapping(tenant_id))
        except UnknownMasterKey:
            # A rotation may have ended between our two reads: then the row names another key now.
            if tried == row.master_kid:
                raise
            tried = row.master_kid


def _wrapping(tenant_id: uuid.UUID) -> bytes:
    return b"data key of " + tenant_id.bytes


def _place(tenant_id: uuid.UUID, table: str, column: str, row_id: uuid.UUID) -> bytes:
    return f"{tenant_id}\n{table}\n{column}\n{row_id}".encode()
