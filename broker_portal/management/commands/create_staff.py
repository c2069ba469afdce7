"""Lets a person in as staff of the operator: prints a sign-in link that works once. Again for the same address: a new link."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from broker_portal.signin import new_link
from tenants import audit, directory, tenancy
from tenants.isolation import operator_scope
from tenants.models import Operator, Staff, StaffRole, User


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=Staff.values)
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, email: str, role: str, name: str, **options: Any) -> None:
        email = email.strip().lower()
        try:
            User._meta.get_field("email").run_validators(email)
        except ValidationError:
            raise CommandError(f"{email}: not an e-mail address") from None
        with transaction.atomic():
            user = self._person(email, name)
            before = self._give(tenancy.first_operator(), user, Staff(role))
            link = directory.base_url() + new_link(user)
        if options["json"]:
            self.stdout.write(json.dumps({"email": email, "role": role, "link": link}))
        else:
            was = f", {before} until now" if before not in ("", role) else ""
            self.stdout.write(f"{email} ({role}{was}) signs in once, within 24 hours, with:\n{link}")

    @staticmethod
    def _person(email: str, name: str) -> User:
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email, name=name)
        if not user.is_active:
            raise CommandError(f"{email} is switched off")
        return user

    @staticmethod
    def _give(operator: Operator, user: User, role: Staff) -> str:
        """The role held until now, or ""."""
        with operator_scope(operator.id, "create_staff"):
            held = StaffRole.objects.filter(operator=operator, user=user).first()
            StaffRole.objects.update_or_create(operator=operator, user=user, defaults={"role": role})
            old, new = audit.changed({"role": held.role} if held else {}, {"role": role})
            facts: dict[str, Any] = {"actor": "command", "subject": f"user:{user.id}"}
            if new:
                audit.record_for_operator(operator.id, action="staff.role", before=old, after=new, **facts)
            else:
                audit.record_for_operator(operator.id, action="staff.link", **facts)
        return str(held.role) if held else ""
