"""The file of `load_prices` with every name that it may have, against its schema and what is loaded. All prices are illustrative."""

from __future__ import annotations

import copy
import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing import price_files, scheme
from billing.models import AapApproval, BuyerVersion, PlanVersion, SchemeCharge
from billing.price_files import KNOWN, Faulty
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import schema, story
from tests.billing.story import Customer

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "prices.schema.json").read_text())


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


YEAR: dict[str, Any] = {
    "number": 41,
    "start": "2061-07-01",
    "end": "2062-06-30",
    "aap_table": [
        [0, 600_000_000, 0, 1_200_000, "0.278"],
        [0, 600_000_000, 1_200_000, None, "0.291"],
        [600_000_000, None, 0, 1_200_000, "0.247"],
        [600_000_000, None, 1_200_000, None, "0.259"],
    ],
    "decisions": [
        {
            "kind": "provisional",
            "requests": 650_000_000,
            "authenticators": 1_250_000,
            "price": "0.26",
            "source": "letter",
            "reason": "announced",
            "entered_by": "anna@tidevand.example",
        }
    ],
    "charges": [
        {"kind": "core_client", "price": "0.03", "from": "2061-07-01"},
        {"kind": "udviklingsbidrag", "price": "0.01", "from": "2061-07-01", "to": "2061-10-31"},
    ],
}
PLAN: dict[str, Any] = {
    "name": "Harbour",
    "from": "2026-07",
    "pass_on": {"aap": "at_cost", "core_client": "included", "udviklingsbidrag": "at_cost"},
    "fee": {"mode": "graduated", "period": "month", "tiers": [["1000", "0.80"], [None, "0.40"]]},
    "subscription": "4900.00",
    "minimum": "250.00",
    "discount": "10",
}
ACCOUNT: dict[str, Any] = {
    "name": "Havneby Kommune",
    "address": "Fjordtorvet 1, 9998 Fjordby",
    "country": "DK",
    "cvr": "77777776",
    "gln": "5798000000001",
    "order_reference": "PO-88213",
    "email": "regnskab@havneby.example",
    "language": "da",
    "plan": "Harbour",
    "plan_from": "2026-07",
}


def whole(customer: Customer) -> dict[str, Any]:
    account = ACCOUNT | {"tenant": customer.tenant.slug}
    return copy.deepcopy({"operator": customer.operator.name, "contract_years": [YEAR], "plans": [PLAN], "accounts": [account]})


def told(content: Any) -> list[str]:
    return list(schema.faults(content, SCHEMA, SCHEMA))


def load(content: Any, *, dry_run: bool = False) -> price_files.Report:
    return price_files.load(json.loads(json.dumps(content), parse_float=Decimal), by="command", dry_run=dry_run)


def test_every_name_is_of_the_schema_and_is_loaded(fjordbank: Customer) -> None:
    content = whole(fjordbank)

    assert told(content) == []
    assert len(load(content, dry_run=True).changes) == 7
    assert not SchemeCharge.objects.filter(starts__year=2061).exists()
    load(content)

    provisional = scheme.provisional(41)
    assert provisional is not None
    assert (str(provisional.price.normalize()), provisional.entered_by, provisional.reason) == (
        "0.26",
        "anna@tidevand.example",
        "announced",
    )
    assert str(SchemeCharge.objects.get(kind="udviklingsbidrag", starts__year=2061).until) == "2061-10-31"
    with operator_scope(fjordbank.operator.id, "test"), tenant_scope(fjordbank.id):
        version = PlanVersion.objects.get(operator=fjordbank.operator, plan__name="Harbour")
        buyer = BuyerVersion.objects.of(fjordbank.id).latest("id")
    assert [version.subscription, version.minimum, version.discount] == [Decimal(4900), Decimal(250), Decimal(10)]
    assert (version.core_client, buyer.gln, buyer.order_reference, buyer.city) == ("included", "5798000000001", "PO-88213", "Fjordby")
    assert load(content).changes == []


def test_a_final_decision_of_two_people_is_approved(fjordbank: Customer) -> None:
    content = whole(fjordbank)
    final = {
        "kind": "final",
        "requests": 720_000_000,
        "authenticators": 1_100_000,
        "price": "0.223",
        "source": "letter",
        "reason": "letter",
    }
    content["contract_years"] = [
        {
            "number": 5,
            "start": "2025-07-01",
            "end": "2026-06-30",
            "decisions": [final | {"entered_by": "anna@tidevand.example", "approved_by": "bo@tidevand.example"}],
        }
    ]

    assert told(content) == []
    load(content)

    decided = scheme.final(5)
    assert decided is not None
    assert AapApproval.objects.get(decision=decided).approved_by == "bo@tidevand.example"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("contract_years", 0), "aap"),
        (("contract_years", 0, "decisions", 0), "approver"),
        (("contract_years", 0, "charges", 0), "until"),
        (("plans", 0), "subscribtion"),
        (("plans", 0, "fee"), "tier"),
        (("accounts", 0), "vat"),
    ],
)
def test_a_name_that_nobody_knows_is_refused_by_both(fjordbank: Customer, path: tuple[str | int, ...], name: str) -> None:
    content = deepcopy(whole(fjordbank))
    place: Any = content
    for step in path:
        place = place[step]
    place[name] = "1"

    assert any(f"{name}: not known" in fault for fault in told(content))
    with pytest.raises(Faulty, match=f"{name}: not known"):
        load(content)


def names(node: Any) -> dict[str, set[str]]:
    """Of each object of the schema that has a name."""
    found: dict[str, set[str]] = {}
    for name, inner in (node.get("properties") or {}).items():
        below = inner.get("items", inner)
        if below.get("properties") and name != "pass_on":
            found[name] = set(below["properties"])
        found |= names(below)
    return found


def test_the_schema_and_the_command_know_the_same_names() -> None:
    assert names(SCHEMA) | {"": set(SCHEMA["properties"])} == KNOWN
