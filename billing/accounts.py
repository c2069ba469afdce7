"""Who buys: the tenant's one account, and the dated versions of its legal buyer."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from stdnum.dk import cvr as danish_cvr
from stdnum.ean import is_valid as is_gln

from billing.models import BillingAccount, BuyerVersion
from billing.refusals import Refusal
from billing.vat import Treatment
from tenants import audit
from tenants.isolation import tenant_scope
from tenants.models import Language, Tenant


class AccountError(Refusal, ValueError):
    """What was entered cannot be an account's; `at` is the field."""

    NAMES_FIELD = True


@dataclass(frozen=True, slots=True)
class Buyer:
    """What invoices name. `street`: address lines without postcode and city; `country`: ISO 3166-1 alpha-2."""

    name: str
    street: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    country: str = "DK"
    cvr: str = ""
    vat_number: str = ""
    gln: str = ""
    attention: str = ""
    order_reference: str = ""
    vat_treatment: Treatment = Treatment.STANDARD


def open_account(tenant: Tenant, *, email: str = "", language: str = "da") -> BillingAccount:
    """The tenant's account, made unless it exists; in the caller's tenant scope."""
    made = BillingAccount(tenant=tenant, operator=tenant.operator, currency=tenant.operator.currency, email=email, language=language)
    # Two at once are one account.
    BillingAccount.objects.bulk_create([made], ignore_conflicts=True)
    return BillingAccount.objects.of(tenant.id).get()


def change_buyer(account: BillingAccount, buyer: Buyer, *, valid_from: date, by: str) -> BuyerVersion:
    """Adds a version that counts from `valid_from` on. Documents that were issued keep theirs. Raises AccountError."""
    checked = _checked(buyer)
    with tenant_scope(account.tenant_id):
        before = buyer_on(account.tenant_id, valid_from)
        version = BuyerVersion.objects.create(
            tenant_id=account.tenant_id,
            operator_id=account.operator_id,
            account_id=account.id,
            valid_from=valid_from,
            entered_by=by,
            **checked,
        )
        was = {name: getattr(before, name) for name in checked} if before else {}
        old, new = audit.changed(was, checked | {"valid_from": valid_from})
        audit.record(account.tenant_id, actor=by, action="account.buyer", subject=f"account:{account.id}", before=old, after=new)
    return version


def be_buyer(account: BillingAccount, buyer: Buyer, *, valid_from: date, by: str) -> None:
    """Adds a version that counts from `valid_from`, or from the last one on if that is later, unless it would say what holds already."""
    checked = _checked(buyer)
    with tenant_scope(account.tenant_id):
        newest = buyer_on(account.tenant_id, date.max)
        if newest is None or any(getattr(newest, name) != value for name, value in checked.items()):
            change_buyer(account, buyer, valid_from=max(valid_from, newest.valid_from) if newest else valid_from, by=by)


def reach(account: BillingAccount, *, email: str, language: str, by: str) -> None:
    """Where documents are sent, and in which language they are written. As it is already: nothing changes. Raises AccountError."""
    if language not in Language.values:
        raise AccountError("da or en, not %(language)s", at="language", language=language)
    before = {"email": account.email, "language": account.language}
    if before == {"email": email, "language": language}:
        return
    account.email, account.language = email, language
    with tenant_scope(account.tenant_id):
        account.save(update_fields=["email", "language"])
        old, new = audit.changed(before, {"email": email, "language": language})
        audit.record(account.tenant_id, actor=by, action="account.reach", subject=f"account:{account.id}", before=old, after=new)


def buyer_on(tenant_id: uuid.UUID, day: date) -> BuyerVersion | None:
    """Who buys on that day, in the caller's scope."""
    sql = "SELECT * FROM billing_buyerversion WHERE tenant_id = %s AND valid_from <= %s ORDER BY valid_from DESC, id DESC LIMIT 1"
    return next(iter(BuyerVersion.objects.raw(sql, [tenant_id, day])), None)


def _checked(buyer: Buyer) -> dict[str, Any]:
    if not buyer.name.strip():
        raise AccountError("missing", at="name")
    if buyer.cvr and not danish_cvr.is_valid(buyer.cvr):
        raise AccountError("%(cvr)s is no CVR number (8 digits, modulus 11)", at="cvr", cvr=buyer.cvr)
    if buyer.gln and not (len(buyer.gln) == 13 and is_gln(buyer.gln)):
        raise AccountError("%(gln)s is no GLN (13 digits with a check digit)", at="gln", gln=buyer.gln)
    if len(buyer.country) != 2 or not buyer.country.isascii() or not buyer.country.isupper():
        raise AccountError("%(country)s is not two capital letters", at="country", country=buyer.country)
    if buyer.vat_treatment is Treatment.REVERSE_CHARGE and not buyer.vat_number:
        raise AccountError("needed for reverse charge", at="vat_number")
    fields = asdict(buyer) | {"street": list(buyer.street), "vat_treatment": buyer.vat_treatment.value}
    return fields | {"cvr": danish_cvr.compact(buyer.cvr) if buyer.cvr else ""}
