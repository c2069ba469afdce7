"""Who is in the demonstration. Every name is invented, domains end in .example, CVR numbers are patterns, prices are illustrative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authflows.loginbox.theme import COLOURS
from billing.accounts import Buyer
from tenants.models import MembershipRole, Sector

OPERATOR: dict[str, Any] = {
    "name": "Tidevand ApS",
    "cvr": "12345674",
    "address": ["Kajgade 4", "9999 Havneby"],
    "email": "faktura@tidevand.example",
    "bank_registration": "9999",
    "bank_account": "0001234567",
    "fik_creditor": "88000018",
    "approval": True,
    "support_url": "https://hjaelp.tidevand.example/",
    "privacy_url": "https://tidevand.example/privatliv",
}


def somebody(name: str) -> Buyer:
    """An invented buyer for a tenant that the command line makes in demo mode."""
    return Buyer(name=name, street=("Eksempelvej 1",), postcode="9999", city="Eksempelby")


STAFF = ("staff@tidevand.example", "Signe Rask")


@dataclass(frozen=True)
class App:
    """A client in both environments. `monthly`: requests of an ordinary month in production."""

    name: str
    host: str
    monthly: int


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: MembershipRole


@dataclass(frozen=True)
class Company:
    slug: str
    alias: str
    sector: Sector
    buyer: Buyer
    invoice_email: str
    people: tuple[Person, ...]
    apps: tuple[App, ...]
    layout: str
    theme: dict[str, Any]
    texts: dict[str, dict[str, Any]]


def _colours(light: str, dark: str) -> dict[str, dict[str, str]]:
    return {
        scheme: dict(zip(COLOURS, (f"#{value}" for value in text.split()), strict=True))
        for scheme, text in (("light", light), ("dark", dark))
    }


FJORDBANK = Company(
    slug="fjordbank",
    alias="Fjordbank",
    sector=Sector.PRIVATE,
    buyer=Buyer(
        name="Fjordbank A/S",
        street=("Fjordtorvet 1",),
        postcode="9998",
        city="Fjordby",
        cvr="22222228",
        attention="Kreditorbogholderiet",
        order_reference="PO-88213",
    ),
    invoice_email="faktura@fjordbank.example",
    people=(
        Person("owner@fjordbank.example", "Anne Holm", MembershipRole.OWNER),
        Person("colleague@fjordbank.example", "Mads Lykkegaard", MembershipRole.DEVELOPER),
        Person("finance@fjordbank.example", "Thea Friis", MembershipRole.FINANCE),
    ),
    apps=(App("Netbank", "netbank.fjordbank.example", 1_100), App("Mobilbank", "mobil.fjordbank.example", 500)),
    layout="split",
    theme={
        "heading": "source-serif-4",
        "body": "hanken-grotesk",
        "weight": 480,
        "radius": "small",
        **_colours(
            "123c34 f6f4ec c9d8d2 f4f2ec 18231f 55605b ffffff 18231f 55605b d9d8cf 77827c eef3f0 1b5648 123c34 ffffff 1b5648",
            "0e2a25 f6f4ec bccdc6 121614 eceee9 a7b1ac 1a201d eceee9 a7b1ac 333b37 7d8a83 22302b 8cc9b4 a9d9c8 0b211b 8cc9b4",
        ),
    },
    texts={
        "da": {
            "heading": "Log på netbanken",
            "text": "Skriv dit bruger-id, og godkend i din app. Så er du inde.",
            "points": ["Kan du ikke logge på? Vi hjælper alle dage kl. 8–22."],
            "links": [
                {
                    "title": "",
                    "links": [["Bliv kunde", "https://fjordbank.example/kunde"], ["Kontakt", "https://fjordbank.example/kontakt"]],
                }
            ],
        },
        "en": {
            "heading": "Log on to online banking",
            "text": "Write your user id and approve in your app. Then you are in.",
            "points": ["Cannot log on? We help every day from 8 to 22."],
            "links": [
                {
                    "title": "",
                    "links": [["Become a customer", "https://fjordbank.example/kunde"], ["Contact", "https://fjordbank.example/kontakt"]],
                }
            ],
        },
    },
)
NORDLYS = Company(
    slug="nordlys",
    alias="Nordlys Forsikring",
    sector=Sector.PRIVATE,
    buyer=Buyer(name="Nordlys Forsikring A/S", street=("Stjernevej 7",), postcode="9997", city="Nordby", cvr="44444445"),
    invoice_email="faktura@nordlys.example",
    people=(
        Person("owner@nordlys.example", "Karen Dahl", MembershipRole.OWNER),
        Person("colleague@nordlys.example", "Emil Bach", MembershipRole.READ_ONLY),
        Person("colleague@fjordbank.example", "Mads Lykkegaard", MembershipRole.DEVELOPER),
    ),
    apps=(App("Mit Nordlys", "mit.nordlys.example", 420),),
    layout="centred",
    theme={
        "heading": "figtree",
        "body": "figtree",
        "weight": 650,
        "radius": "medium",
        **_colours(
            "2b2250 ffffff d4cfee eceaf6 211a40 5a5476 ffffff 211a40 5a5476 d6d2e8 7b7598 f3f1fb 55379c 432a80 ffffff 55379c",
            "1b1535 ffffff d4cfee 141126 eeecf8 afa9cc 1e1936 eeecf8 afa9cc 38315a 8c85b0 29224a b9a3f5 cdbcfa 1b1038 b9a3f5",
        ),
    },
    texts={"da": {"heading": "Log på Mit Nordlys"}, "en": {"heading": "Log on to Mit Nordlys"}},
)
HAVNEBY = Company(
    slug="havneby",
    alias="Havneby Kommune",
    sector=Sector.PUBLIC,
    buyer=Buyer(
        name="Havneby Kommune", street=("Havnepladsen 1",), postcode="9999", city="Havneby", cvr="77777776", attention="Digitalisering"
    ),
    invoice_email="faktura@havneby.example",
    people=(
        Person("owner@havneby.example", "Jens Krogh", MembershipRole.OWNER),
        Person("colleague@havneby.example", "Line Toft", MembershipRole.FINANCE),
    ),
    apps=(App("Selvbetjening", "selvbetjening.havneby.example", 160),),
    layout="topbar",
    theme={
        "heading": "hanken-grotesk",
        "body": "hanken-grotesk",
        "weight": 640,
        "radius": "small",
        **_colours(
            "7a1f2b ffffff f3d9dc f6f5f4 231a1b 615556 ffffff 231a1b 615556 dfdbda 857879 f8eeef 7a1f2b 5f1620 ffffff 7a1f2b",
            "3f1219 ffffff f3d9dc 151313 f0ecec b5a9aa 1e1a1a f0ecec b5a9aa 3a3333 8f8182 33211f f0a1a8 f6bcc1 36090f f0a1a8",
        ),
    },
    texts={"da": {"heading": "Log på selvbetjeningen"}, "en": {"heading": "Log on to self-service"}},
)
COMPANIES = (FJORDBANK, NORDLYS, HAVNEBY)
