"""Which operator a command is for."""

from __future__ import annotations

from django.core.management.base import CommandError

from tenants.models import Operator


def named(name: str | None) -> Operator:
    """By name, CVR number or id; without one, the only one there is. Raises CommandError."""
    every = list(Operator.objects.order_by("id"))
    found = [each for each in every if name in (each.name, each.cvr, str(each.id))] if name else every
    if len(found) != 1:
        raise CommandError(f"--operator: {len(found)} operators are called {name}" if name else "--operator: there are several, name one")
    return found[0]
