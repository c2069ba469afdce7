"""Seller and buyer as a document names them, and the numbers by which Danish businesses and payments are known."""

from dataclasses import dataclass

from stdnum.dk import cvr as stdnum_cvr
from stdnum.exceptions import ValidationError

from billing.refusals import Refusal

FIK_CARD = "71"  # a 15-digit payment id and no free text
FIK_ID_DIGITS = 14


class PartyError(Refusal, ValueError):
    """A number by which a party or a payment cannot be known."""


@dataclass(frozen=True, slots=True)
class Address:
    """`country` is ISO 3166-1 alpha-2."""

    street: tuple[str, ...]
    postcode: str
    city: str
    country: str = "DK"


@dataclass(frozen=True, slots=True)
class BankAccount:
    registration: str
    account: str
    iban: str = ""
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """The operator. `vat_number` has its country's prefix; `fik_creditor` is the 8-digit creditor number, or empty."""

    name: str
    address: Address
    cvr: str
    vat_number: str
    email: str = ""
    phone: str = ""
    bank: BankAccount | None = None
    fik_creditor: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    """The tenant's legal buyer. `reference` is its order number or person, `customer_number` ours for it."""

    name: str
    address: Address
    cvr: str = ""
    vat_number: str = ""
    gln: str = ""
    attention: str = ""
    customer_number: str = ""
    reference: str = ""


def valid_cvr(text: str) -> str:
    """The 8 digits of a CVR number, with or without "DK" and spaces. Raises ValueError where modulus 11 does not hold."""
    try:
        return str(stdnum_cvr.validate(text))
    except ValidationError as error:
        raise PartyError("not a CVR number: %(number)s", number=text) from error


def luhn(digits: str) -> str:
    """The check digit that follows `digits` (modulus 10)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def valid_fik_creditor(text: str) -> str:
    """Raises ValueError unless it is 8 digits that begin with 8."""
    if not (len(text) == 8 and text.isascii() and text.isdigit() and text[0] == "8"):
        raise PartyError("not a FIK creditor number: %(number)s", number=text)
    return text


def fik_payment_id(number: str) -> str:
    """15 digits for card type 71: the digits of the document's number, and a check digit. Raises ValueError where they do not fit."""
    digits = "".join(character for character in number if character.isascii() and character.isdigit())
    if not 1 <= len(digits) <= FIK_ID_DIGITS:
        raise PartyError("no payment id can be made of %(number)s", number=number)
    padded = digits.zfill(FIK_ID_DIGITS)
    return padded + luhn(padded)
