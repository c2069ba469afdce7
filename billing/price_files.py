"""Prices and accounts from a file (docs/prices.schema.json): read, then entered, all of it or nothing. The same file again changes nothing.

Errors are told by their path in the file: "plans.0.fee.tiers.2: …".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from billing import accounts, decisions, plans, prices
from billing.accounts import AccountError, Buyer
from billing.decisions import Cell, DecisionError
from billing.fees import FeeTier, Mode, Period, PlanError, Plus
from billing.models import AapApproval, AapDecision, AapTable, AccountPlan, BuyerVersion, ContractYear, Plan, PlanVersion, SchemeCharge
from billing.periods import Month
from billing.plans import Terms
from billing.pricing import ActionPrice
from billing.vat import treatment_of
from tenants import audit
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Tenant

Json = Mapping[str, Any]
POSTCODE = re.compile(r"^((?:[A-Z]{1,3}[- ]?)?\d[\d ]*)\s+(\S.*)$")


# The names that each object of the file may have (docs/prices.schema.json); another one is a slip of the pen, and refused.
KNOWN = {
    "": {"operator", "contract_years", "plans", "accounts", "outcome_rules", "illustrative"},
    "outcome_rules": {"from", "left_out", "source"},
    "contract_years": {"number", "start", "end", "source", "reason", "aap_table", "decisions", "charges"},
    "decisions": {"kind", "requests", "authenticators", "price", "source", "reason", "entered_by", "approved_by"},
    "charges": {"kind", "price", "per", "usage_model", "from", "to", "source"},
    "plans": {"name", "from", "currency", "reason", "pass_on", "fee", "subscription", "minimum", "discount"},
    "fee": {"mode", "period", "tiers", "prices"},
    "prices": {"connection", "action", "price"},
    "accounts": {
        *("tenant", "name", "address", "country", "cvr", "vat_number", "gln", "order_reference", "attention", "email", "language"),
        *("plan", "plan_from"),
    },
}


class Faulty(Exception):
    """The file is refused; `faults` are "path: what is wrong"."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Undo(Exception):
    pass


@dataclass
class Report:
    """What the file changes, or would change: "path: what". `warnings` are for a person to think about."""

    changes: list[str] = field(default_factory=list)
    unchanged: int = 0
    warnings: list[str] = field(default_factory=list)

    def told(self, path: str, what: str, new: bool) -> None:
        if new:
            self.changes.append(f"{path}: {what}")
        else:
            self.unchanged += 1


@dataclass
class _File:
    """Walks the file; gathers what is wrong instead of stopping at the first."""

    operator: Operator
    by: str
    illustrative: bool
    report: Report = field(default_factory=Report)
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        try:
            with transaction.atomic():
                yield
        except (DecisionError, PlanError, AccountError, ValueError, TypeError, LookupError, InvalidOperation) as error:
            text = f"lacks {error}" if isinstance(error, KeyError) else str(error) or "not a number"
            self.faults.append(f"{path}: {text}")

    def each(self, content: Json, name: str, enter: Callable[[Json, str], None], *, below: str = "") -> None:
        rows = content.get(name, [])
        path = f"{below}{name}"
        if not isinstance(rows, list):
            self.faults.append(f"{path}: a list is expected")
            return
        for n, row in enumerate(rows):
            with self.at(f"{path}.{n}"):
                _refuse_unknown(row, name)
                enter(row, f"{path}.{n}")


def _refuse_unknown(row: Any, name: str) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"an object is expected, not {row!r}")
    if unknown := row.keys() - KNOWN[name]:
        raise ValueError(f"{', '.join(sorted(unknown))}: not known")


def load(content: Any, *, by: str, dry_run: bool = False) -> Report:
    """Raises Faulty, and then nothing is entered."""
    if not isinstance(content, dict):
        raise Faulty(["the file is not a JSON object"])
    if unknown := content.keys() - KNOWN[""]:
        raise Faulty([f"{name}: not known" for name in sorted(unknown)])
    file = _File(_operator(content.get("operator")), by, bool(content.get("illustrative", False)))
    try:
        with transaction.atomic(), operator_scope(file.operator.id, "load prices"):
            _enter(file, content)
            if file.faults:
                raise Faulty(file.faults)
            if dry_run:
                raise _Undo
            if file.report.changes:
                audit.record_for_operator(
                    file.operator.id,
                    actor=by,
                    action="prices.loaded",
                    subject=f"operator:{file.operator.id}",
                    after={"changes": file.report.changes[:100]},
                )
    except _Undo:
        pass
    return file.report


def _operator(named: Any) -> Operator:
    """By name, CVR number or id; without one, the only one there is."""
    every = list(Operator.objects.order_by("id"))
    found = [each for each in every if named in (each.name, each.cvr, str(each.id))] if named else every
    if len(found) != 1:
        raise Faulty([f"operator: {len(found)} operators are called {named}" if named else "operator: there are several, name one"])
    return found[0]


def _enter(file: _File, content: Json) -> None:
    file.each(content, "outcome_rules", lambda row, path: _outcome_rule(file, row, path))
    file.each(content, "contract_years", lambda row, path: _year(file, row, path))
    file.each(content, "plans", lambda row, path: _plan(file, row, path))
    file.each(content, "accounts", lambda row, path: _account(file, row, path))


def _outcome_rule(file: _File, row: Json, path: str) -> None:
    starts = month(row["from"])
    decisions.enter_outcome_rule(starts, row["left_out"], source=str(row["source"]), by=file.by)
    file.report.told(path, f"outcomes that cost nothing from {starts} on", True)


def _year(file: _File, row: Json, path: str) -> None:
    number = row["number"]
    if not isinstance(number, int):
        raise ValueError("number: a whole number is expected")
    before = ContractYear.objects.filter(number=number).exists()
    year = decisions.enter_year(number, day(row["start"]), day(row["end"]))
    file.report.told(path, f"contract year {number}", not before)
    if row.get("aap_table"):
        with file.at(f"{path}.aap_table"):
            _table(file, year, row, f"{path}.aap_table")
    file.each(row, "decisions", lambda each, at: _decision(file, year, each, at), below=f"{path}.")
    file.each(row, "charges", lambda each, at: _charge(file, year, each, at), below=f"{path}.")


def _table(file: _File, year: ContractYear, row: Json, path: str) -> None:
    cells = []
    for n, cell in enumerate(row["aap_table"]):
        with file.at(f"{path}.{n}"):
            if len(cell) != 5:
                raise ValueError("requests from, to, authenticators from, to, price are expected")
            cells.append(Cell(whole(cell[0]), _end(cell[1]), whole(cell[2]), _end(cell[3]), money(cell[4])))
    if len(cells) < len(row["aap_table"]):
        return
    before = AapTable.objects.filter(contract_year=year).count()
    source = str(row.get("source") or "load_prices")
    reason = str(row.get("reason") or "")
    decisions.enter_table(year, cells, source=source, by=file.by, reason=reason, illustrative=file.illustrative)
    file.report.told(path, f"a table of {len(cells)} prices", AapTable.objects.filter(contract_year=year).count() > before)


def _end(value: Any) -> int | None:
    return None if value is None else whole(value)


def _decision(file: _File, year: ContractYear, row: Json, path: str) -> None:
    kind = row["kind"]
    if kind not in AapDecision.Kind.values:
        raise ValueError(f"kind: provisional or final, not {kind}")
    entered_by, approved_by = str(row.get("entered_by") or ""), str(row.get("approved_by") or "")
    if kind == AapDecision.Kind.FINAL and "@" not in entered_by:
        raise ValueError("entered_by: the e-mail of who enters a final price")
    rows = AapDecision.objects.filter(contract_year=year)
    before = (rows.count(), AapApproval.objects.filter(decision__contract_year=year).count())
    decision = decisions.decide(
        year,
        kind,
        requests=whole(row["requests"]),
        authenticators=whole(row["authenticators"]),
        source=str(row["source"]),
        by=entered_by or file.by,
        price=money(row["price"]) if row.get("price") is not None else None,
        reason=str(row.get("reason") or ""),
        approved_by=approved_by,
        illustrative=file.illustrative,
    )
    after = (rows.count(), AapApproval.objects.filter(decision__contract_year=year).count())
    file.report.told(path, f"{kind} AAP {decision.price.normalize():f} of contract year {year.number}", after != before)
    if kind == AapDecision.Kind.FINAL and not AapApproval.objects.filter(decision=decision).exists():
        file.report.warnings.append(f"{path}: waits for the approval of somebody else than {entered_by}")


def _charge(file: _File, year: ContractYear, row: Json, path: str) -> None:
    kind = row["kind"]
    if kind not in SchemeCharge.Kind.values:
        raise ValueError(f"kind: core_client or udviklingsbidrag, not {kind}")
    per = row.get("per", "request")
    if per not in SchemeCharge.Per.values:
        raise ValueError(f"per: request or year, not {per}")
    starts = day(row["from"]) if row.get("from") else year.first
    before = SchemeCharge.objects.filter(kind=kind).count()
    decisions.enter_charge(
        kind,
        money(row["price"]),
        starts,
        source=str(row.get("source") or "load_prices"),
        by=file.by,
        until=day(row["to"]) if row.get("to") else None,
        usage_model=str(row.get("usage_model", "standard")),
        per=per,
        illustrative=file.illustrative,
    )
    file.report.told(path, f"{kind} {row['price']} from {starts} on", SchemeCharge.objects.filter(kind=kind).count() > before)


def _plan(file: _File, row: Json, path: str) -> None:
    terms = _terms(row)
    starts = month(row["from"])
    _, new = plans.enter_plan(
        file.operator, str(row["name"]), starts, terms, by=file.by, reason=str(row.get("reason") or ""), illustrative=file.illustrative
    )
    file.report.told(path, f"plan {row['name']} from {starts} on", new)
    for cliff in terms.cliffs():
        more = f"{cliff.quantity + 1} requests cost {cliff.next_amount}, {cliff.saved} less"
        file.report.warnings.append(f"{path}: {more} than {cliff.quantity}, which cost {cliff.amount}")


def _terms(row: Json) -> Terms:
    fee = row.get("fee") or {}
    _refuse_unknown(fee, "fee")
    for each in fee.get("prices", []):
        _refuse_unknown(each, "prices")
    pass_on, plus = _passed_on(row.get("pass_on") or {})
    discount = row.get("discount")
    given = discount if isinstance(discount, dict) else {"percent": discount}
    return Terms(
        currency=str(row.get("currency", "DKK")),
        pass_on=pass_on,
        plus=plus,
        tiers=[FeeTier(None if up_to is None else whole(up_to), money(price)) for up_to, price in fee.get("tiers", [])],
        mode=Mode(fee.get("mode", "graduated")),
        period=Period(fee.get("period", "month")),
        prices=[
            ActionPrice("", str(each["connection"]) if each.get("connection") else None, str(each.get("action", "")), money(each["price"]))
            for each in fee.get("prices", [])
        ],
        subscription=_money_or_none(row.get("subscription")),
        minimum=_money_or_none(row.get("minimum")),
        discount=_money_or_none(given.get("percent")),
        discount_until=day(given["until"]) if given.get("until") else None,
    )


def _passed_on(given: Json) -> tuple[dict[str, str], dict[str, Plus]]:
    """A component's word, or {"at_cost_plus": {"percent": "2.5", "ore": "0.5"}}."""
    how: dict[str, str] = {}
    plus: dict[str, Plus] = {}
    for component, value in given.items():
        if isinstance(value, dict):
            added = value["at_cost_plus"]
            plus[component] = Plus(money(added.get("percent", "0")), money(added.get("ore", "0")))
            how[component] = "at_cost_plus"
        else:
            how[component] = str(value)
    return how, plus


def _account(file: _File, row: Json, path: str) -> None:
    tenant = Tenant.objects.select_related("operator").filter(slug=str(row["tenant"]), operator=file.operator).first()
    if tenant is None:
        raise LookupError(f"tenant: {file.operator.name} has no tenant {row['tenant']}")
    starts = month(row["plan_from"])
    plan = Plan.objects.filter(operator=file.operator, name=str(row["plan"])).first()
    if plan is None or not PlanVersion.objects.filter(plan=plan, starts__lte=starts.first).exists():
        raise LookupError(f"plan: there is no plan {row['plan']} with prices in {starts}")
    buyer = _buyer(row)
    with tenant_scope(tenant.id):
        account = accounts.open_account(tenant, email=str(row.get("email", "")), language=str(row.get("language", "da")))
        before = (AccountPlan.objects.of(tenant.id).count(), BuyerVersion.objects.of(tenant.id).count(), account.email, account.language)
        accounts.reach(account, email=str(row.get("email", account.email)), language=str(row.get("language", account.language)), by=file.by)
        accounts.be_buyer(account, buyer, valid_from=starts.first, by=file.by)
        prices.assign_plan(account, plan, starts, by=file.by)
        after = (AccountPlan.objects.of(tenant.id).count(), BuyerVersion.objects.of(tenant.id).count(), account.email, account.language)
    file.report.told(path, f"{tenant.slug} is {buyer.name} and pays {plan.name} from {starts} on", before != after)


def _buyer(row: Json) -> Buyer:
    street, postcode, city = _address(row.get("address", []))
    country = str(row.get("country", "DK"))
    return Buyer(
        name=str(row["name"]),
        street=street,
        postcode=postcode,
        city=city,
        country=country,
        cvr=str(row.get("cvr") or ""),
        vat_number=str(row.get("vat_number") or ""),
        gln=str(row.get("gln") or ""),
        attention=str(row.get("attention") or ""),
        order_reference=str(row.get("order_reference") or ""),
        vat_treatment=treatment_of(country),
    )


def _address(given: Any) -> tuple[tuple[str, ...], str, str]:
    """Lines, or one text with the lines apart by line breaks or commas; the last is postcode and city. Or an object that names them."""
    if isinstance(given, dict):
        street = given.get("street", [])
        return tuple([street] if isinstance(street, str) else street), str(given.get("postcode", "")), str(given.get("city", ""))
    lines = given if isinstance(given, list) else re.split(r"\n|,", str(given))
    lines = [str(line).strip() for line in lines if str(line).strip()]
    if not lines:
        return (), "", ""
    found = POSTCODE.match(lines[-1])
    return tuple(lines[:-1]), found[1].strip() if found else "", found[2] if found else lines[-1]


def money(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"a number as text is expected, not {value}")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None


def _money_or_none(value: Any) -> Decimal | None:
    return None if value is None else money(value)


def whole(value: Any) -> int:
    number = money(value)
    if number != number.to_integral_value() or number < 0:
        raise ValueError(f"{value} is not a whole number of at least 0")
    return int(number)


def day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a day as YYYY-MM-DD") from None


def month(value: Any) -> Month:
    """YYYY-MM, or its first day."""
    text = str(value)
    if len(text) == 10:
        if day(text).day != 1:
            raise ValueError(f"prices start on the first of a month, not on {text}")
        text = text[:7]
    return Month.parse(text)
