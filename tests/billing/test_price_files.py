"""`load_prices`: the whole file or nothing, once, and what is wrong told by its path. All prices are illustrative."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from billing import closing, price_files, scheme
from billing.models import BillingAccount, BuyerVersion, Document, DocumentLine, PlanVersion
from billing.periods import Month
from billing.price_files import Faulty
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import story
from tests.billing.story import JULY, Customer

OCTOBER = Month(2026, 10)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def file(customer: Customer, **plan: Any) -> dict[str, Any]:
    terms = {
        "name": "Harbour",
        "from": "2026-07",
        "pass_on": {"aap": "at_cost", "core_client": {"at_cost_plus": {"percent": "10", "ore": "0.5"}}, "udviklingsbidrag": "included"},
        "fee": {"mode": "volume", "period": "month", "tiers": [["1000", "0.80"], ["10000", "0.60"], [None, "0.40"]]},
    }
    return {
        "operator": customer.operator.name,
        "illustrative": True,
        "contract_years": [
            {
                "number": 6,
                "start": "2026-07-01",
                "end": "2027-06-30",
                "aap_table": [[0, 600_000_000, 0, None, "0.291"], [600_000_000, None, 0, None, "0.259"]],
                "decisions": [{"kind": "provisional", "requests": 600_000_000, "authenticators": 1_250_000, "source": "letter"}],
                "charges": [{"kind": "core_client", "price": "0.03", "from": "2026-07-01"}],
            }
        ],
        "plans": [terms | plan],
        "accounts": [
            {
                "tenant": customer.tenant.slug,
                "name": "Havneby Forsyning A/S",
                "address": "Fjordtorvet 1, 9998 Fjordby",
                "country": "DK",
                "cvr": "77777776",
                "email": "regnskab@havneby.example",
                "language": "da",
                "plan": "Harbour",
                "plan_from": "2026-07",
            }
        ],
    }


def load(content: Any, *, dry_run: bool = False) -> price_files.Report:
    return price_files.load(json.loads(json.dumps(content), parse_float=Decimal), by="command", dry_run=dry_run)


def lines(document: Document | None) -> list[tuple[str, str, str, str]]:
    assert document is not None
    with tenant_scope(document.tenant_id):
        rows = DocumentLine.objects.of(document.tenant_id).filter(document_id=document.id).order_by("position")
        return [(row.kind, f"{row.quantity:.0f}", f"{row.unit_price.normalize():f}", str(row.amount)) for row in rows]


def test_a_file_decides_what_a_month_costs(fjordbank: Customer) -> None:
    report = load(file(fjordbank))
    assert report.warnings == [
        "plans.0: 1001 requests cost 600.60, 199.40 less than 1000, which cost 800.00",
        "plans.0: 10001 requests cost 4000.40, 1999.60 less than 10000, which cost 6000.00",
    ]
    fjordbank.use(JULY, 1_001)
    assert lines(closing.close(fjordbank.id, JULY, by="staff:1")) == [
        ("aap", "1001", "0.259", "259.26"),
        ("core_client", "1001", "0.038", "38.04"),
        ("fee", "1001", "0.6", "600.60"),
    ]


def test_the_same_file_again_changes_nothing(fjordbank: Customer) -> None:
    assert load(file(fjordbank)).changes
    again = load(file(fjordbank))
    assert again.changes == []
    assert again.unchanged == 6


def test_a_dry_run_enters_nothing(fjordbank: Customer) -> None:
    told = load(file(fjordbank), dry_run=True).changes
    assert any("plan Harbour from 2026-07 on" in change for change in told)
    assert load(file(fjordbank)).changes == told


def test_whoever_pays_a_plan_pays_it_from_that_month_on(fjordbank: Customer) -> None:
    """Also where another plan was chosen earlier for a later month."""
    late = file(fjordbank)
    late["accounts"][0]["plan_from"] = "2026-10"
    load(late)
    early = file(fjordbank)
    early["plans"][0] |= {"name": "Quay", "fee": {"tiers": [[None, "0.10"]]}}
    early["accounts"][0]["plan"] = "Quay"
    load(early)
    with operator_scope(fjordbank.operator.id, "test"), tenant_scope(fjordbank.id):
        assert closing._priced(fjordbank.tenant, OCTOBER).plan == "Quay"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("contract_years", 0, "aap_table", 1, 0), 700_000_000, "contract_years.0.aap_table: the table leaves a gap"),
        (("contract_years", 0, "aap_table", 1, 0), 500_000_000, "contract_years.0.aap_table: two cells of the table overlap"),
        (("contract_years", 0, "aap_table", 1, 4), "x", "contract_years.0.aap_table.1: 'x' is not a number"),
        (("contract_years", 0, "decisions", 0, "kind"), "guessed", "contract_years.0.decisions.0: kind"),
        (("contract_years", 0, "start"), "2026-07-02", "contract_years.0: "),
        (("contract_years", 0, "charges", 0, "to"), "2026-07-30", "contract_years.0.charges.0: a charge ends with a month"),
        (("plans", 0, "fee", "tiers", 2, 0), "20000", "plans.0: the last tier is without end"),
        (("plans", 0, "fee", "mode"), "stairs", "plans.0: 'stairs' is not a valid Mode"),
        (("plans", 0, "pass_on", "aap"), "free", "plans.0: aap is passed on at_cost, at_cost_plus or included"),
        (("plans", 0, "from"), "2026-07-15", "plans.0: prices start on the first of a month"),
        (("plans", 0, "subscription"), "-5", "plans.0: a unit price is not negative"),
        (("accounts", 0, "tenant"), "nobody", "accounts.0: tenant: .* has no tenant nobody"),
        (("accounts", 0, "cvr"), "77777777", "accounts.0: cvr: "),
        (("accounts", 0, "country"), "SE", "accounts.0: vat_number: needed for reverse charge"),
        (("accounts", 0, "plan"), "Nowhere", "accounts.0: plan: there is no plan Nowhere"),
        (("accounts", 0, "language"), "sv", "accounts.0: language: "),
    ],
)
def test_what_is_wrong_is_told_by_its_path_and_nothing_is_entered(
    fjordbank: Customer, path: tuple[str | int, ...], value: Any, told: str
) -> None:
    content = deepcopy(file(fjordbank))
    at: Any = content
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(Faulty, match=told):
        load(content)
    with operator_scope(fjordbank.operator.id, "test"):
        assert not PlanVersion.objects.filter(operator=fjordbank.operator, plan__name="Harbour").exists()
    with tenant_scope(fjordbank.id):
        assert BuyerVersion.objects.of(fjordbank.id).count() == 1


def test_every_fault_is_told_at_once(fjordbank: Customer) -> None:
    content = file(fjordbank)
    content["plans"][0]["from"] = "July"
    content["accounts"][0]["cvr"] = "1"
    with pytest.raises(Faulty) as refused:
        load(content)
    assert [fault.split(":")[0] for fault in refused.value.faults] == ["plans.0", "accounts.0"]


def test_a_plan_cannot_begin_in_a_closed_month(fjordbank: Customer) -> None:
    load(file(fjordbank))
    fjordbank.use(JULY, 1)
    assert closing.close(fjordbank.id, JULY, by="staff:1")
    changed = file(fjordbank, subscription="100.00")
    with pytest.raises(Faulty, match="entered already with other prices"):
        load(changed)
    changed["plans"][0] |= {"name": "Quay"}
    changed["accounts"][0] |= {"plan": "Quay"}
    with pytest.raises(Faulty, match=r"accounts.0: 2026-07 is closed: a plan can begin in 2026-08"):
        load(changed)


def test_a_final_price_without_a_second_person_waits(fjordbank: Customer) -> None:
    content = file(fjordbank)
    final = {
        "kind": "final",
        "requests": 720_000_000,
        "authenticators": 1_100_000,
        "source": "letter",
        "price": "0.223",
        "reason": "letter",
    }
    year = {"number": 5, "start": "2025-07-01", "end": "2026-06-30", "decisions": [final | {"entered_by": "anna@tidevand.example"}]}
    content["contract_years"] = [year]
    assert "waits for the approval" in load(content).warnings[0]
    year["decisions"] = [final | {"entered_by": "anna@tidevand.example", "approved_by": "anna@tidevand.example"}]
    with pytest.raises(Faulty, match=r"contract_years.0.decisions.0: .* somebody else has to approve it"):
        load(content)
    year["decisions"] = [final | {"entered_by": "anna@tidevand.example", "approved_by": "bo@tidevand.example"}]
    load(content)
    approved = scheme.final(5)
    assert approved is not None
    assert approved.price == Decimal("0.223")


def test_where_documents_go_and_in_which_language(fjordbank: Customer) -> None:
    load(file(fjordbank))
    with tenant_scope(fjordbank.id):
        account = BillingAccount.objects.of(fjordbank.id).get()
    assert (account.email, account.language) == ("regnskab@havneby.example", "da")


def test_the_command_prints_one_document_and_refuses_whole(
    committed: None, manage: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    customer = story.customer()
    content = file(customer)
    name = tmp_path / "prices.json"
    name.write_text(json.dumps(content))
    done = manage("load_prices", str(name), "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["dry_run"] is True
    name.write_text("{")
    refused = manage("load_prices", str(name), "--json")
    assert refused.returncode != 0
    assert "is not JSON" in refused.stderr
    assert "Traceback" not in refused.stderr
