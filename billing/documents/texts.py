"""What documents say, in the languages they can be written in. Frozen into the snapshot, so a later change here changes no document."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal

from billing.periods import Month

Language = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = ("da", "en")
NBSP = "\N{NO-BREAK SPACE}"
_LOCALES = {"da": "da", "en": "en_GB"}

_DA = {
    "invoice": "Faktura",
    "credit_note": "Kreditnota",
    "draft": "UDKAST — ikke en faktura",
    "draft.why": "Beløbene kan ændre sig, indtil måneden er lukket. Der skal ikke betales efter dette udkast.",
    "to": "Til",
    "number.invoice": "Fakturanummer",
    "number.credit_note": "Kreditnotanummer",
    "issue_date.invoice": "Fakturadato",
    "issue_date.credit_note": "Dato",
    "period.invoice": "Leveret",
    "period.credit_note": "Vedrører",
    "due_date": "Forfaldsdato",
    "customer_number": "Kundenummer",
    "reference": "Jeres reference",
    "gln": "EAN",
    "cvr": "CVR {value}",
    "vat_number": "Momsnummer {value}",
    "footer.vat": "moms {value}",
    "service": "Ydelse",
    "quantity": "Antal",
    "unit_price": "Enhedspris",
    "vat": "Moms",
    "amount": "Beløb, {currency}",
    "net": "I alt uden moms",
    "vat.standard": "{rate} moms af {net}",
    "vat.reverse_charge": "Moms, omvendt betalingspligt",
    "vat.outside_scope": "Moms, uden for momslovens område",
    "rate.reverse_charge": "Omvendt",
    "rate.outside_scope": "Ingen",
    "gross.invoice": "At betale, {currency}",
    "gross.credit_note": "Til gode, {currency}",
    "pay_by": "Betal senest",
    "payment_days": "Netto {days} dage",
    "bank": "Bank",
    "bank.account": "Reg. {registration}, konto {account}",
    "fik": "FIK",
    "write_number": "Skriv {number} ved overførsel",
    "write": "Skriv ved overførsel",
    "references": "Ændrer disse fakturaer",
    "reference.item": "{number} af {date}",
    "page": "Side {page} af {pages}",
    "line.aap": "MitID, pris pr. anmodning (AAP)",
    "line.core_client": "Tillæg for kerneklient",
    "line.udviklingsbidrag": "Udviklingsbidrag",
    "line.fee": "Gebyr pr. anmodning",
    "line.subscription": "Abonnement, {plan}",
    "line.action": "Gebyr pr. anmodning med egen pris",
    "line.discount": "Rabat på gebyret",
    "line.minimum": "Op til månedens mindstegebyr",
    "line.one_off": "{text}",
    "line.settlement": "Efterregulering af AAP, kontraktår {contract_year}",
    "detail.aap.provisional": "Foreløbig pris, kontraktår {contract_year}",
    "detail.aap.final": "Endelig pris, kontraktår {contract_year}",
    "detail.charge.until": "Til og med {until}",
    "detail.fee.tier": "Anmodning {tier_from} til {tier_to}",
    "detail.fee.above": "Anmodning over {above}",
    "detail.fee.volume": "Pris ved {tier_from} til {tier_to} anmodninger",
    "detail.fee.volume_above": "Pris ved over {above} anmodninger",
    "detail.action": "Handling: {action}",
    "detail.percent": "{percent} procent",
    "detail.settlement": "{requests} anmodninger. Endelig pris {final}, afregnet {settled}",
    "detail.month": "{month}",
    "note.heading": "Bemærk",
    "note.reverse_charge": "Omvendt betalingspligt: køberen afregner momsen. Artikel 196 i direktiv 2006/112/EF.",
    "note.outside_scope": "Leveret til en virksomhed uden for EU, uden for momslovens område.",
    "note.aap_provisional": "AAP er en foreløbig pris. Den bliver gjort endelig efter kontraktårets udløb {year_ends} "
    "og reguleret senest {settled_by}.",
    "note.counting": "En anmodning tæller, når MitID har taget imod den, uanset om brugeren godkender. "
    "Forbruget pr. dag og klient kan ses i portalen.",
    "note.illustrative": "Priserne er illustrative. De er ikke MitIDs egne.",
    "statement": "Efterregulering",
    "statement.title": "Efterregulering af AAP, kontraktår {contract_year}",
    "statement.year": "Kontraktår",
    "statement.period": "Periode",
    "statement.made": "Opgjort",
    "statement.deadline": "Afregnes senest",
    "statement.month": "Måned",
    "statement.document": "Dokument",
    "statement.requests": "Anmodninger",
    "statement.price": "Pris",
    "statement.billed": "Faktureret i alt",
    "statement.final_amount": "Endelig pris {price} × {requests}",
    "statement.settled": "Forskel, {number}",
    "statement.carried": "Forskel, for lille til at sende",
    "statement.all_net": "Forskel uden moms",
    "statement.all_vat": "Moms",
    "statement.total": "I alt, {currency}",
    "statement.why": "Hvorfor prisen blev en anden",
    "statement.forecast": "Ventet for hele MitID: {requests} anmodninger og {authenticators} fysiske identifikationsmidler, "
    "pris {price} ({source}).",
    "statement.actual": "Faktisk for hele MitID: {requests} anmodninger og {authenticators} fysiske identifikationsmidler, "
    "pris {price} ({source}).",
    "statement.open": "Den endelige pris er ikke afgjort endnu. Året efterreguleres senest {day}.",
    "statement.rounding": "Hver måned er afrundet for sig. Derfor er forskellen ikke præcis prisforskellen gange antallet.",
    "statement.signs": "Beløb under nul er til jeres fordel.",
}

_EN = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "draft": "DRAFT — not an invoice",
    "draft.why": "The amounts may change until the month is closed. Nothing is to be paid from this draft.",
    "to": "To",
    "number.invoice": "Invoice number",
    "number.credit_note": "Credit note number",
    "issue_date.invoice": "Invoice date",
    "issue_date.credit_note": "Date",
    "period.invoice": "Supplied",
    "period.credit_note": "Concerns",
    "due_date": "Due date",
    "customer_number": "Customer number",
    "reference": "Your reference",
    "gln": "EAN",
    "cvr": "CVR {value}",
    "vat_number": "VAT number {value}",
    "footer.vat": "VAT {value}",
    "service": "Service",
    "quantity": "Quantity",
    "unit_price": "Unit price",
    "vat": "VAT",
    "amount": "Amount, {currency}",
    "net": "Total excluding VAT",
    "vat.standard": "{rate} VAT on {net}",
    "vat.reverse_charge": "VAT, reverse charge",
    "vat.outside_scope": "VAT, outside the scope",
    "rate.reverse_charge": "Reverse",
    "rate.outside_scope": "None",
    "gross.invoice": "To pay, {currency}",
    "gross.credit_note": "In your favour, {currency}",
    "pay_by": "Pay by",
    "payment_days": "Net {days} days",
    "bank": "Bank transfer",
    "bank.account": "Reg. no. {registration}, account {account}",
    "fik": "FIK",
    "write_number": "Write {number} on the transfer",
    "write": "Write on the transfer",
    "references": "Changes these invoices",
    "reference.item": "{number} of {date}",
    "page": "Page {page} of {pages}",
    "line.aap": "MitID, price per request (AAP)",
    "line.core_client": "Core client surcharge",
    "line.udviklingsbidrag": "Development contribution",
    "line.fee": "Fee per request",
    "line.subscription": "Subscription, {plan}",
    "line.action": "Fee per request with a price of its own",
    "line.discount": "Discount on the fee",
    "line.minimum": "Up to the month's minimum fee",
    "line.one_off": "{text}",
    "line.settlement": "Settlement of AAP, contract year {contract_year}",
    "detail.aap.provisional": "Provisional price, contract year {contract_year}",
    "detail.aap.final": "Final price, contract year {contract_year}",
    "detail.charge.until": "Until and including {until}",
    "detail.fee.tier": "Request {tier_from} to {tier_to}",
    "detail.fee.above": "Request above {above}",
    "detail.fee.volume": "Price at {tier_from} to {tier_to} requests",
    "detail.fee.volume_above": "Price at more than {above} requests",
    "detail.action": "Action: {action}",
    "detail.percent": "{percent} per cent",
    "detail.settlement": "{requests} requests. Final price {final}, settled {settled}",
    "detail.month": "{month}",
    "note.heading": "Please note",
    "note.reverse_charge": "Reverse charge: the customer accounts for the VAT. Article 196 of Directive 2006/112/EC.",
    "note.outside_scope": "Supplied to a business outside the EU, outside the scope of Danish VAT.",
    "note.aap_provisional": "AAP is a provisional price. It becomes final after the contract year ends on {year_ends} "
    "and is settled no later than {settled_by}.",
    "note.counting": "A request counts when MitID has accepted it, whether or not the user approves. "
    "Usage per day and client is shown in the portal.",
    "note.illustrative": "The prices are illustrative. They are not MitID's own.",
    "statement": "Settlement",
    "statement.title": "Settlement of AAP, contract year {contract_year}",
    "statement.year": "Contract year",
    "statement.period": "Period",
    "statement.made": "Stated",
    "statement.deadline": "Settled by",
    "statement.month": "Month",
    "statement.document": "Document",
    "statement.requests": "Requests",
    "statement.price": "Price",
    "statement.billed": "Billed in all",
    "statement.final_amount": "Final price {price} × {requests}",
    "statement.settled": "Difference, {number}",
    "statement.carried": "Difference, too little to send",
    "statement.all_net": "Difference without VAT",
    "statement.all_vat": "VAT",
    "statement.total": "In all, {currency}",
    "statement.why": "Why the price became another",
    "statement.forecast": "Expected of the whole scheme: {requests} requests and {authenticators} physical authenticators, "
    "price {price} ({source}).",
    "statement.actual": "Actual of the whole scheme: {requests} requests and {authenticators} physical authenticators, "
    "price {price} ({source}).",
    "statement.open": "The final price is not decided yet. The year is settled no later than {day}.",
    "statement.rounding": "Each month is rounded by itself, so the difference is not exactly that of the prices times the requests.",
    "statement.signs": "Amounts below zero are in your favour.",
}

_TEXTS: dict[str, dict[str, str]] = {"da": _DA, "en": _EN}


def text(language: str, key: str, **values: str) -> str:
    """Raises KeyError for an unknown language, key or missing value."""
    return _TEXTS[language][key].format_map(values)


def line_text(language: str, key: str, parameters: Mapping[str, str]) -> str:
    """A line's text, detail or note: language-neutral parameters (ISO dates, plain numbers) written in the language."""
    written = {name: _written(language, name, value) for name, value in parameters.items()}
    sentence = text(language, key, **written)
    return sentence[:1].upper() + sentence[1:]


@lru_cache(1_024)
def _written(language: str, name: str, value: str) -> str:
    match name:
        case "year_ends" | "settled_by":
            return long_date(language, date.fromisoformat(value))
        case "until":
            return month_name(language, Month.of(date.fromisoformat(value)))
        case "month":
            return month_name(language, Month.parse(value))
        case "tier_from" | "tier_to" | "above" | "requests" | "percent" | "final":
            return number(language, Decimal(value), 0)
        case "settled":
            return number(language, Decimal(value), 2)
    return value


def long_date(language: str, day: date) -> str:
    """ "2. november 2026", "2 November 2026"."""
    return format_date(day, "long", locale=_LOCALES[language])


def month_name(language: str, month: Month) -> str:
    """ "november 2026", "November 2026"."""
    return format_skeleton("yMMMM", month.first, locale=_LOCALES[language])


def period(language: str, first: date, last: date) -> str:
    """ "1. til 31. oktober 2026", or both dates in full where they lie in different months."""
    joint = " til " if language == "da" else " to "
    if Month.of(first) != Month.of(last):
        return long_date(language, first) + joint + long_date(language, last)
    start = f"{first.day}." if language == "da" else str(first.day)
    return start + joint + long_date(language, last)


def number(language: str, value: Decimal, decimals: int) -> str:
    """With at least `decimals` decimals, more where the value has them; minus is U+2212."""
    pattern = f"#,##0.{'0' * decimals}{'#' * (6 - decimals)}"
    return format_decimal(value, pattern, locale=_LOCALES[language]).replace("-", "\N{MINUS SIGN}")


def percent(language: str, rate: Decimal) -> str:
    return number(language, rate, 0) + (f"{NBSP}%" if language == "da" else "%")
