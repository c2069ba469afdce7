"""A document's frozen form: complete, canonical, chained, and the same for ever."""

import hashlib
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn as published_luhn

from billing.documents.parties import BankAccount, fik_payment_id, luhn, valid_cvr, valid_fik_creditor
from billing.documents.snapshot import GENESIS, GIVEN_AT_ISSUE, Reference, build, canonical, chain_hash, missing
from billing.money import CurrencyError
from billing.vat import Treatment, total
from tests.billing.july import HAVNEBY, MALMO, SELLER, invoice, lines

GOLDEN = Path(__file__).parent.parent / "golden"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_july_of_the_worked_example_is_the_golden_document() -> None:
    golden = json.loads((GOLDEN / "invoice-july.json").read_text())
    assert build(invoice()) == golden
    assert golden["totals"]["gross"] == "9378.23"


def test_the_golden_document_keeps_its_hash() -> None:
    """Changes when one byte of the canonical form does; issued documents could then no longer be verified."""
    content = canonical(json.loads((GOLDEN / "invoice-july.json").read_text()))
    assert chain_hash(GENESIS, content).hex() == (GOLDEN / "invoice-july.sha256").read_text().strip()


def test_canonical_form_is_sorted_tight_and_utf8() -> None:
    assert (
        canonical({"b": "å", "a": [1, None, True], "c": {"y": "", "x": '"'}})
        == '{"a":[1,null,true],"b":"å","c":{"x":"\\"","y":""}}'.encode()
    )


@given(st.dictionaries(TEXT, JSON_VALUES, max_size=4))
def test_reading_and_writing_again_changes_no_byte(snapshot: dict[str, Any]) -> None:
    assert canonical(json.loads(canonical(snapshot))) == canonical(snapshot)


@pytest.mark.parametrize("value", [1.0, Decimal("1.00"), date(2026, 7, 1), b"", {1: "x"}, ("a",), {"deep": [{"er": 0.1}]}])
def test_what_has_no_exact_form_is_not_frozen(value: object) -> None:
    with pytest.raises(TypeError):
        canonical({"value": value})


def test_the_chain_holds_order_and_content() -> None:
    first = chain_hash(GENESIS, b"1")
    assert first == hashlib.sha256(bytes(32) + b"1").digest()
    assert chain_hash(chain_hash(first, b"2"), b"3") != chain_hash(chain_hash(first, b"3"), b"2")
    with pytest.raises(ValueError, match="32 bytes"):
        chain_hash(b"", b"1")


def test_an_issued_invoice_lacks_nothing() -> None:
    assert missing(build(invoice())) == []


def test_a_draft_lacks_what_is_given_at_issue() -> None:
    draft = build(replace(invoice(), number=None, issue_date=None))
    assert set(missing(draft)) == GIVEN_AT_ISSUE
    assert (draft["due_date"], draft["payment"]) == (None, None)


def test_what_section_58_asks_for_is_named_when_absent() -> None:
    nowhere = replace(HAVNEBY.address, street=("",), city="")
    document = replace(
        invoice(), seller=replace(SELLER, vat_number="", address=nowhere), buyer=replace(HAVNEBY, name="", address=nowhere), lines=[]
    )
    assert missing(build(document)) == ["seller.address", "buyer.name", "buyer.address", "seller.vat_number", "lines"]


@pytest.mark.parametrize("field", ["text", "quantity", "unit_price", "amount", "vat_rate"])
def test_every_line_is_complete(field: str) -> None:
    snapshot = build(invoice())
    del snapshot["lines"][1][field]
    assert missing(snapshot) == [f"lines.2.{field}"]


def test_an_empty_snapshot_lacks_everything_without_failing() -> None:
    assert {"number", "issue_date", "seller.name", "buyer.address", "lines", "totals.vat_by_rate", "totals.gross"} <= set(missing({}))


def test_reverse_charge_needs_the_buyers_vat_number_and_says_so_first() -> None:
    abroad = replace(invoice(), language="en", buyer=MALMO, totals=total(lines(), Treatment.REVERSE_CHARGE, currency="DKK"))
    snapshot = build(abroad)
    assert missing(snapshot) == []
    assert snapshot["notes"][0]["key"] == "reverse_charge"
    assert {line["vat_rate"] for line in snapshot["lines"]} == {"0"}
    assert snapshot["payment"]["fik"] is None
    assert missing(build(replace(abroad, buyer=replace(MALMO, vat_number="")))) == ["buyer.vat_number"]


def test_a_credit_note_names_what_it_changes_and_asks_for_no_payment() -> None:
    note = replace(invoice(), kind="credit_note", number="K-2026-000001", references=(Reference("F-2026-000017", date(2026, 8, 3)),))
    snapshot = build(note)
    assert missing(snapshot) == []
    assert snapshot["references"] == [{"number": "F-2026-000017", "issue_date": "2026-08-03"}]
    assert (snapshot["payment"], snapshot["due_date"]) == (None, None)
    assert missing(build(replace(note, references=()))) == ["references"]


def test_lines_and_totals_have_one_currency() -> None:
    with pytest.raises(CurrencyError):
        build(replace(invoice(), totals=replace(invoice().totals, currency="EUR")))


def test_payment_is_by_bank_and_fik_when_the_seller_has_them() -> None:
    payment = build(invoice())["payment"]
    assert payment["fik"] == {"card": "71", "payment_id": "000020260000177", "creditor": "88000018"}
    assert payment["bank"]["iban"] == "DK0099990001234567"
    neither = build(replace(invoice(), seller=replace(SELLER, bank=None, fik_creditor="")))["payment"]
    assert neither == {"bank": None, "fik": None, "reference": "F-2026-000017"}
    only_account = replace(SELLER, bank=BankAccount("9999", "0001234567"))
    assert build(replace(invoice(), seller=only_account))["payment"]["bank"]["iban"] == ""


@pytest.mark.parametrize(("digits", "check"), [("1", "8"), ("2", "6"), ("00404040000066", "9"), ("00000202604120", "8")])
def test_the_check_digit_of_published_payment_ids(digits: str, check: str) -> None:
    assert luhn(digits) == check


@given(st.integers(0, 10**14 - 1))
def test_payment_ids_are_15_digits_that_pass_luhn(number: int) -> None:
    payment_id = fik_payment_id(f"F-{number}")
    assert len(payment_id) == 15
    assert int(payment_id[:-1]) == number
    assert published_luhn.is_valid(payment_id)


@pytest.mark.parametrize("number", ["", "F-", "F-123456789012345"])
def test_a_number_without_room_makes_no_payment_id(number: str) -> None:
    with pytest.raises(ValueError, match="no payment id"):
        fik_payment_id(number)


def test_cvr_and_creditor_numbers_are_checked() -> None:
    assert [valid_cvr(text) for text in ("13748136", "DK 12345674", "77777776")] == ["13748136", "12345674", "77777776"]
    for refused in ("13748137", "1374813", "", "02345674", "abcdefgh"):
        with pytest.raises(ValueError, match="not a CVR number"):
            valid_cvr(refused)
    assert valid_fik_creditor("88000018") == "88000018"
    for refused in ("98000018", "8800001", "8800001a", ""):
        with pytest.raises(ValueError, match="not a FIK creditor"):
            valid_fik_creditor(refused)
