"""Reads every audit chain, or one tenant's, and names the first entry that is altered, missing or cut off; exit 1 when there is one.

Keep the printed heads elsewhere: a chain that was rewritten as a whole no longer contains them.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import audit, directory
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, tenant: str | None, **options: Any) -> None:
        chains = self._one(tenant) if tenant else self._all()
        if options["json"]:
            self.stdout.write(json.dumps({"chains": chains}))
        else:
            for chain in chains:
                self.stdout.write(f"{chain['owner']}: {chain['entries']} entries, head {chain['head'] or '-'}")
        if broken := [chain for chain in chains if chain["first_bad"] is not None]:
            raise CommandError("; ".join(f"{chain['owner']}: entry {chain['first_bad']} is not what was recorded" for chain in broken))

    def _one(self, slug: str) -> list[dict[str, Any]]:
        tenant = directory.tenant_by_slug(slug)
        if tenant is None:
            raise CommandError(f"{slug}: no such tenant")
        return [self._tenant(tenant)]

    def _all(self) -> list[dict[str, Any]]:
        operators = [self._operator(operator) for operator in Operator.objects.order_by("id")]
        return operators + [self._tenant(tenant) for tenant in Tenant.objects.order_by("slug")]

    @staticmethod
    def _tenant(tenant: Tenant) -> dict[str, Any]:
        with tenant_scope(tenant.id):
            return _told(tenant.slug, audit.verify(tenant.id))

    @staticmethod
    def _operator(operator: Operator) -> dict[str, Any]:
        with operator_scope(operator.id, "verify_audit"):
            return _told(f"operator {operator.id}", audit.verify_operator(operator.id))


def _told(owner: str, verdict: audit.Verdict) -> dict[str, Any]:
    return {"owner": owner, "entries": verdict.entries, "head": verdict.head, "first_bad": verdict.first_bad}
