"""What the supplier charges beside our own counts, and its statements as uploads. All prices are illustrative."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from billing.models import StatementLine
from billing.scheme import contract_year
from broker_portal.supplier.views import Year
from tenants.isolation import operator_scope
from tests.doubles.furnished import Furnished


@pytest.fixture
def staff(house: Furnished) -> Client:
    return house.browser("staff")


def address(house: Furnished) -> str:
    year = contract_year(house.last_month)
    assert year is not None
    return reverse("operator:supplier", args=[house.story.operator.id, year.number])


def csv(text: str, name: str = "mitid.csv") -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile(name, text.encode(), content_type="text/csv")}


def statements(house: Furnished) -> int:
    with operator_scope(house.story.operator.id, "test"):
        return StatementLine.objects.filter(operator=house.story.operator).count()


def test_a_month_accrues_by_our_own_counts(house: Furnished, staff: Client) -> None:
    found = staff.get(address(house)).context["found"]

    # Both tenants had five requests in the month before last: 10 × 0.259, 0.03 and 0.01.
    assert [(row.component, row.ours, str(row.ours_amount), row.theirs) for row in found.rows] == [
        ("aap", 10, "2.59", None),
        ("core_client", 10, "0.30", None),
        ("udviklingsbidrag", 10, "0.10", None),
    ]
    assert (str(found.accrued), found.differing, found.final) == ("2.99", 0, None)


def test_an_uploaded_statement_shows_where_it_differs(house: Furnished, staff: Client) -> None:
    month = house.last_month.previous()
    text = f"month,requests,amount,component\n{month},12,3.11,aap\n{month},10,0.30,core_client\n"

    page = staff.post(address(house), csv(text), follow=True)

    found: Year = page.context["found"]
    assert [(row.component, row.counts_differ, row.differs) for row in found.rows if row.theirs is not None] == [
        ("aap", 2, True),
        ("core_client", 0, False),
    ]
    assert "1 opgørelse afviger" in page.content.decode()
    assert statements(house) == 2
    staff.post(address(house), csv(text))
    assert statements(house) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("month,requests\n", "Linje 1: Kolonnerne er month,requests,amount"),
        ("month,requests,amount\n2026-09,ti,1.00\n", "Linje 2: Requests: ti er ikke et helt tal"),
        ("month,requests,amount\n2026-09,1,1.005\n", "Linje 2: Amount: 1.005 har mere end 2 decimaler"),
        ("month,requests,amount\n2026-13,1,1.00\n", "Linje 2: En måned skrives"),
        ("month,requests,amount\n2026-09,1,1.00\n2026-09,1,1.00\n", "Linje 3: Aap for september 2026 står der to gange"),
    ],
)
def test_a_faulty_file_is_refused_whole_and_says_where(house: Furnished, staff: Client, text: str, told: str) -> None:
    answer = staff.post(address(house), csv(text))

    assert (answer.status_code, statements(house)) == (422, 0)
    assert answer.context["faults"][0].startswith(told)


def test_a_file_that_is_no_text_is_refused(house: Furnished, staff: Client) -> None:
    file = SimpleUploadedFile("mitid.csv", b"\xff\xfe\x00", content_type="text/csv")

    assert staff.post(address(house), {"file": file}).status_code == 422
    assert staff.post(address(house), {}).status_code == 422
