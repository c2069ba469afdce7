"""The ground of every tenant table: key (tenant_id, id), and tenant_id named in every statement (decision 7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar, cast

from django.db import models
from django.db.models.fields.related import ForeignObject

from tenants.ids import uuid7
from tenants.models.tenant import Tenant

M = TypeVar("M", bound=models.Model)


class OwnedManager(models.Manager[M]):
    """Rows are asked for by tenant, always: `Login.objects.of(tenant_id)`."""

    def of(self, tenant_id: uuid.UUID) -> models.QuerySet[M]:
        return self.get_queryset().filter(tenant_id=tenant_id)


class TenantOwned(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["tenant", "id"], name="%(app_label)s_%(class)s_key")]

    def _do_update(  # type: ignore[override]  # the stubs describe Django 6.1; this is 5.2's
        self,
        base_qs: models.QuerySet[Self],
        using: str | None,
        pk_val: Any,
        values: Iterable[Any],
        update_fields: Iterable[str] | None,
        forced_update: bool,
    ) -> bool:
        parent = cast(Any, super())
        return bool(parent._do_update(base_qs.filter(tenant_id=self.tenant_id), using, pk_val, values, update_fields, forced_update))

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: models.QuerySet[Self] | None = None
    ) -> None:
        rows = type(self)._base_manager.all() if from_queryset is None else from_queryset
        super().refresh_from_db(using, fields, rows.filter(tenant_id=self.tenant_id))

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Deletes this row; what depends on it is the database's to cascade."""
        rows = cast(Any, type(self)._base_manager.filter(tenant_id=self.tenant_id, pk=self.pk))
        deleted = int(rows._raw_delete(using or "default"))
        return deleted, {self._meta.label: deleted}


class TenantRef(ForeignObject):  # type: ignore[type-arg]  # not generic at run time
    """A reference to another row of the same tenant: (tenant_id, <name>_id) -> (tenant_id, id)."""

    def __init__(
        self,
        to: str | type[models.Model],
        on_delete: Any = models.DO_NOTHING,
        from_fields: list[str] | None = None,
        to_fields: list[str] | None = None,
        column: str | None = None,
        cascades: bool = False,
        **kwargs: Any,
    ) -> None:
        self._column = column
        self.cascades = cascades
        source = from_fields or ["tenant", column or "?"]
        super().__init__(cast(Any, to), on_delete, from_fields=source, to_fields=to_fields or ["tenant", "id"], **kwargs)

    @property
    def tenant_ref_column(self) -> str:
        return self._column or f"{self.name}_id"

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any) -> None:
        column = self._column or f"{name}_id"
        self.from_fields = ["tenant", column]
        if not any(field.name == column for field in cls._meta.local_fields):
            models.UUIDField(null=self.null, editable=False).contribute_to_class(cls, column)
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return str(name), path, args, kwargs | {"column": self.tenant_ref_column, "cascades": self.cascades}
