"""The PDF of a document: what it says, in which order, and that hostile data stays data."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.documents import pdf
from billing.documents.snapshot import Document, Reference, build
from billing.vat import Treatment, total
from tests.billing.july import HAVNEBY, ISSUED_AT, MALMO, SELLER, invoice, lines
from tests.billing.pdf_reader import Reader

ROOT = Path(__file__).parents[2]


def rendered(document: Document) -> bytes:
    return pdf.render(build(document), issued_at=ISSUED_AT)


@cache
def july() -> Reader:
    return Reader(rendered(invoice()))


def english() -> Document:
    return replace(invoice(), language="en", buyer=MALMO, totals=total(lines(), Treatment.REVERSE_CHARGE, currency="DKK"))


def test_the_invoice_reads_in_order() -> None:
    wanted = """Tidevand Identitet ApS|Faktura|Til|Havneby Forsyning A/S|Att. Regnskab|Fjordtorvet 1|9998 Fjordby|CVR 77777776
        |Fakturanummer|F-2026-000017|Fakturadato|3. august 2026|Leveret|1. til 31. juli 2026|Forfaldsdato|2. september 2026
        |Kundenummer|10042|Jeres reference|PO-88213|Ydelse|Antal|Enhedspris|Moms|Beløb, kr.
        |MitID, pris pr. anmodning (AAP)|Foreløbig pris, kontraktår 6|8.123|0,2590|25 %|2.103,86
        |Tillæg for kerneklient|8.123|0,0300|25 %|243,69|Udviklingsbidrag|Til og med oktober 2027|8.123|0,0100|25 %|81,23
        |Anmodning 1 til 1.000|1.000|0,8000|25 %|800,00|Anmodning 1.001 til 10.000|7.123|0,6000|25 %|4.273,80
        |Bemærk|AAP er en foreløbig pris.|8. september 2027|Priserne er illustrative.
        |I alt uden moms|7.502,58|25 % moms af 7.502,58|1.875,65|At betale, DKK|9.378,23
        |Betal senest|Netto 30 dage|Reg. 9999, konto 0001234567|IBAN DK00 9999 0001 2345 67|+71<000020260000177+88000018<"""
    text, at = july().text, 0
    for part in (part.strip() for part in wanted.split("|")):
        found = text.find(part, at)
        assert found >= 0, f"{part!r} is not after {text[:at][-40:]!r}"
        at = found + len(part)


def test_the_invoice_is_archivable_and_accessible() -> None:
    root, metadata = july().pdf.Root, july().pdf.open_metadata()
    assert str(root.Lang) == "da-DK"
    assert bool(root.MarkInfo.Marked)
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert metadata["dc:title"] == "Faktura F-2026-000017"
    assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")


def test_the_table_has_column_headings_and_the_page_one_heading() -> None:
    headings = [element for element in july().elements if element.role == "TH"]
    assert [heading.text for heading in headings] == ["Ydelse", "Antal", "Enhedspris", "Moms", "Beløb, kr."]
    assert {heading.scope for heading in headings} == {"Column"}
    assert len(july().texts("TD")) == 5 * len(lines())
    assert july().texts("H1") == ["Faktura"]


def test_every_font_is_ours_and_embedded() -> None:
    names = set()
    for font in july().fonts():
        (descendant,) = font.DescendantFonts
        assert "/FontFile2" in descendant.FontDescriptor
        names.add(str(font.BaseFont).partition("+")[2])
    assert names == {"HankenGrotesk-Regular", "HankenGrotesk-Medium", "HankenGrotesk-SemiBold", "GeistMono-Medium"}
    assert "SIL OPEN FONT LICENSE" in (pdf.FONTS / "OFL.txt").read_text()


def test_a_long_invoice_repeats_its_heading_and_counts_its_pages() -> None:
    many = lines() * 6
    reader = Reader(rendered(replace(invoice(), lines=many, totals=total(many, Treatment.STANDARD, currency="DKK"))))
    first, second = reader.pages
    assert first.endswith("Side 1 af 2")
    assert second.endswith("Side 2 af 2")
    assert "Faktura F-2026-000017" in second
    assert "Enhedspris" in second
    assert len(reader.texts("TD")) == 5 * len(many)


def test_english_with_reverse_charge() -> None:
    reader = Reader(rendered(english()))
    assert str(reader.pdf.Root.Lang) == "en-GB"
    for part in ("Invoice", "Malmgård Fastighet AB", "Sweden", "VAT number SE999999999901", "1 to 31 July 2026", "0.2590", "Reverse"):
        assert part in reader.text
    for part in ("Reverse charge: the customer accounts for the VAT.", "VAT, reverse charge", "To pay, DKK", "7,502.58", "BIC XXXXDK00"):
        assert part in reader.text
    assert "FIK" not in reader.text
    assert "+71<" not in reader.text
    assert "VAT DK12345674" in reader.pages[0]


@pytest.mark.parametrize(("language", "mark"), [("da", "UDKAST — ikke en faktura"), ("en", "DRAFT — not an invoice")])
def test_a_draft_says_so_and_asks_for_no_payment(language: str, mark: str) -> None:
    draft = replace(english() if language == "en" else invoice(), number=None, issue_date=None)
    reader = Reader(rendered(draft))
    assert mark in reader.text
    assert reader.pages[0].count(mark.split()[0]) == 2, "in its own box, and behind the text of every page"
    assert "F-2026" not in reader.text
    assert "IBAN" not in reader.text
    assert reader.pdf.open_metadata()["dc:title"] == mark


def test_a_credit_note_names_the_invoice_it_changes() -> None:
    note = replace(invoice(), kind="credit_note", number="K-2026-000001", references=(Reference("F-2026-000017", date(2026, 8, 3)),))
    text = Reader(rendered(note)).text
    for part in ("Kreditnota", "Kreditnotanummer K-2026-000001", "Vedrører 1. til 31. juli 2026", "Til gode, DKK 9.378,23"):
        assert part in text
    assert "Ændrer disse fakturaer F-2026-000017 af 3. august 2026" in text
    assert "IBAN" not in text


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x")',
        '#include "/etc/passwd"',
        "$x^2$",
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "*b* _i_ `c` = H",
        "@preview/x:1.0",
        '\\ " \\u{41}',
    ],
)
def test_hostile_names_come_out_as_text(name: str) -> None:
    text = Reader(rendered(replace(invoice(), buyer=replace(HAVNEBY, name=name, attention=name, reference=name)))).text
    assert text.count(name) == 3


def test_names_from_all_of_europe_are_printed() -> None:
    for name in ("Łódź Šport Čech", "Γεωργία Ωμέγα", "Българска Поща", "Ørsted Ærø Åse ĸ ŋ", "Ștefan Țară"):
        assert name in Reader(rendered(replace(invoice(), buyer=replace(HAVNEBY, name=name)))).text


def test_what_no_font_has_is_replaced_on_paper_only() -> None:
    snapshot = build(replace(invoice(), buyer=replace(HAVNEBY, name="Å漢\x00🙂\u202e\tA/S")))
    assert "Å???? A/S" in Reader(pdf.render(snapshot, issued_at=ISSUED_AT)).text
    assert snapshot["buyer"]["name"] == "Å漢\x00🙂\u202e\tA/S"
    assert pdf.printable({"A\N{COMBINING RING ABOVE}": ["A\N{COMBINING RING ABOVE}", None, 1]}) == {
        "A\N{COMBINING RING ABOVE}": ["Å", None, 1]
    }


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_makes_a_document(text: str) -> None:
    address = replace(HAVNEBY.address, street=(text, ""), city=text)
    buyer = replace(HAVNEBY, name=text, attention=text, reference=text, address=address)
    assert rendered(replace(invoice(), buyer=buyer, seller=replace(SELLER, name=text))).startswith(b"%PDF-1.7")


def test_the_same_document_is_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib; from tests.billing.july import ISSUED_AT, invoice; from billing.documents import pdf, snapshot;"
        "print(hashlib.sha256(pdf.render(snapshot.build(invoice()), issued_at=ISSUED_AT)).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert made == {hashlib.sha256(rendered(invoice())).hexdigest() + "\n"}


def test_documents_made_at_once_do_not_mix() -> None:
    names = [f"Fjordbank {number} A/S" for number in range(12)]
    documents = [replace(invoice(), buyer=replace(HAVNEBY, name=name)) for name in names]
    with ThreadPoolExecutor(4) as pool:
        for name, content in zip(names, pool.map(rendered, documents), strict=True):
            assert name in Reader(content).text


def test_templates_bring_nothing_in_from_elsewhere() -> None:
    for template in pdf.TEMPLATES.glob("*.typ"):
        source = template.read_text()
        assert not {"@preview", "import ", "include ", "eval(", "read("} & {
            word for word in ("@preview", "import ", "include ", "eval(", "read(") if word in source
        }
