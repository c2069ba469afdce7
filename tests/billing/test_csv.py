"""The lines of a document for a Danish spreadsheet and for a machine."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.snapshot import build
from billing.exports.csv import Variant, guarded, lines_csv
from billing.money import add
from tests.billing.july import HAVNEBY, PLAN, invoice, lines

GOLDEN = Path(__file__).parent.parent / "golden"


def rows(content: bytes, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


@pytest.mark.parametrize("variant", ["da", "machine"])
def test_july_of_the_worked_example_is_the_golden_file(variant: Variant) -> None:
    assert lines_csv(build(invoice()), variant) == (GOLDEN / f"invoice-july.{variant}.csv").read_bytes()


def test_a_danish_spreadsheet_reads_it_as_it_is() -> None:
    content = lines_csv(build(invoice()), "da")
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n") == 1 + len(lines())
    first = rows(content, ";")[0]
    assert (first["Dokument"], first["Dato"], first["Fra"], first["Til"]) == ("F-2026-000017", "03-08-2026", "01-07-2026", "31-07-2026")
    assert (first["Antal"], first["Enhedspris"], first["Beløb"], first["Momssats"]) == ("8123", "0,259", "2103,86", "25")
    assert (first["Type"], first["Enhed"], first["Illustrativ"]) == ("Faktura", "anmodning", "ja")


def test_a_machine_reads_decimals_and_iso_dates() -> None:
    content = lines_csv(build(invoice()), "machine")
    assert not content.startswith(b"\xef\xbb\xbf")
    read = rows(content, ",")
    assert (read[0]["issue_date"], read[0]["period_last"], read[0]["unit_price"]) == ("2026-08-03", "2026-07-31", "0.259")
    assert add(*(Decimal(row["amount"]) for row in read)) == Decimal("7502.58")
    assert [row["component"] for row in read] == ["aap", "core_client", "udviklingsbidrag", "fee", "fee"]


def test_a_draft_has_lines_but_no_number_or_dates() -> None:
    (first, *_) = rows(lines_csv(build(replace(invoice(), number=None, issue_date=None))), ";")
    assert (first["Dokument"], first["Dato"], first["Forfald"], first["Beløb"]) == ("", "", "", "2103,86")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
@pytest.mark.parametrize(("variant", "delimiter", "column"), [("da", ";", "Kunde"), ("machine", ",", "customer")])
def test_text_that_looks_like_a_formula_is_text(variant: Variant, delimiter: str, column: str, start: str) -> None:
    name = f"{start}HYPERLINK(0)"
    content = lines_csv(build(replace(invoice(), buyer=replace(HAVNEBY, name=name))), variant)
    assert {row[column] for row in rows(content, delimiter)} == {f"'{name}"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_name_comes_back_whole(name: str) -> None:
    charged = lines(plan=replace(PLAN, name=name, subscription=Decimal(299)))
    document = replace(invoice(), buyer=replace(HAVNEBY, name=name), lines=charged)
    for variant, delimiter, customer, text in (("da", ";", "Kunde", "Ydelse"), ("machine", ",", "customer", "text")):
        read = rows(lines_csv(build(document), "da" if variant == "da" else "machine"), delimiter)
        assert len(read) == len(charged)
        assert {row[customer] for row in read} == {guarded(name)}
        assert read[-1][text] == f"Abonnement, {name}"
