"""Danish, English, and of Greenlandic what is official; every error that an end user can meet has its words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from authflows.loginbox import greenlandic
from tests.doubles.authenticators import moved
from tests.doubles.browser import Browser
from tests.doubles.relying_party import RelyingParty
from tests.portal.test_translations import ROOT, catalogue, texts, translations

Visitors = Callable[..., Browser]

# domain facts 2.6: the words of each, as the pages have them. The two of the CPR form come with it.
ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "CANCELLED": (
        ("You cancelled", "Du afbrød"),
        ("Nothing has been approved. You can start again.", "Intet er godkendt. Du kan starte forfra."),
    ),
    "REJECTED_IN_APP": (("The request was rejected in the app", "Anmodningen blev afvist i appen"),),
    "EXPIRED": (("Time has run out", "Tiden er udløbet"), ("Start again to get more.", "Start forfra, så får du ny tid.")),
    "UNKNOWN_USER": (
        ("We cannot find that user ID. Check the spelling.", "Vi kan ikke finde bruger-id\u2019et. Tjek stavningen."),
        ("We could not recognise you", "Vi kan ikke genkende dig"),
    ),
    "WRONG_CODE": (("Wrong code. You have %(counter)s attempt left.", "Koden er forkert. Du har %(counter)s forsøg tilbage."),),
    "BLOCKED": (("Your authenticator is blocked for a while", "Dit identifikationsmiddel er midlertidigt spærret"),),
    "PARALLEL": (("You already have a request in progress", "Du har allerede en anmodning i gang"),),
    "NO_COOKIE": (("This login does not belong to this browser", "Sessionen hører ikke til denne browser"),),
    "CORE_DOWN": (
        (
            "MitID is not responding. We keep trying; or try again shortly.",
            "MitID svarer ikke lige nu. Vi bliver ved; eller prøv igen om lidt.",
        ),
    ),
    "LEVEL_TOO_LOW": (("The service requires a higher assurance level.", "Tjenesten kræver et højere sikringsniveau."),),
}


@pytest.mark.parametrize("code", ENDINGS)
def test_every_error_has_its_words_in_both_languages(code: str) -> None:
    danish, shown = (
        catalogue("da"),
        {text.ids[0] for text in texts() if text.place.startswith(("templates/loginbox", "authflows/loginbox"))},
    )
    for english, expected in ENDINGS[code]:
        assert english in shown
        message = danish.get(english)
        assert message is not None
        assert translations(message)[0] == expected


def spoken(page: str) -> str:
    (language,) = re.findall(r'<html lang="(\w+)">', page)
    return str(language)


def test_the_page_has_a_switch_that_keeps_the_login(party: RelyingParty, visitor: Browser) -> None:
    page = visitor.open(party.ask())
    languages = re.findall(r'<a href="\?language=(\w+)" lang="\1" hreflang="\1"', page.text)
    assert languages == ["da", "en", "kl"]
    for language in languages:
        shown = visitor.get(f"{page.url}?language={language}")
        assert spoken(shown.text) == language
        after = moved(visitor, visitor.submit(shown, user_id="karl"))
        assert spoken(after.text) == language
        visitor.submit(after, "step")
        page = visitor.open(party.ask())
    assert spoken(visitor.get(f"{page.url}?language=xx").text) == "en"


def test_greenlandic_has_the_official_names_and_says_that_the_rest_is_danish(party: RelyingParty, new_visitor: Visitors) -> None:
    visitor = new_visitor("en")
    page = visitor.open(party.ask(ui_locales="kl", acr_values="low"))
    assert '<html lang="kl">' in page.text
    assert re.search(r'<title lang="da">', page.text)
    assert re.search(r'<body class="lb"[^>]* lang="da">', page.text)
    assert "Kun officielle navne er på grønlandsk; resten er på dansk." in page.text
    assert "Trin 1" in page.text
    page = moved(visitor, visitor.submit(page, user_id="karl"))
    for name in greenlandic.NAMES:
        assert f'<span lang="kl">{name}</span>' in page.text
    assert ">Adgangskode<" not in page.text


def test_other_languages_have_no_such_marks(party: RelyingParty, new_visitor: Visitors) -> None:
    for language in ("da", "en"):
        page = new_visitor(language).open(party.ask()).text
        assert "Kun officielle navne" not in page
        assert 'lang="kl"' not in page.replace('<a href="?language=kl" lang="kl" hreflang="kl">', "")


def test_the_official_names_are_the_whole_catalogue() -> None:
    with (ROOT / "locale" / "kl" / "LC_MESSAGES" / "django.po").open("rb") as file:
        known: Catalog = read_po(file, locale="kl", abort_invalid=True)
    assert {message.string for message in known if message.id} == set(greenlandic.NAMES)


@pytest.mark.parametrize("address", ["errors", "logout", "authorize", "simulator/phone", "nothing-here"])
def test_pages_beside_the_box_fall_back_too(address: str, party: RelyingParty, visitor: Browser) -> None:
    page = visitor.get(f"{party.issuer}/{address}?language=kl")
    assert '<html lang="kl">' in page.text
    assert re.search(r'<body [^>]*lang="da">', page.text)


# The row's outcome, and what somebody reads who comes back when the cookie has gone.
@pytest.mark.parametrize(
    ("user_id", "said"),
    [
        ("auto-approve", "You have already logged in"),
        ("auto-cancel", "You cancelled"),
        ("auto-timeout", "Time has run out"),
        ("auto-reject", "It was not approved"),
    ],
)
def test_who_comes_back_to_a_login_that_has_ended_reads_so(
    user_id: str, said: str, party: RelyingParty, visitor: Browser, new_visitor: Visitors
) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    visitor.finish(visitor.submit(page, user_id=user_id))
    late = new_visitor().get(str(page.url))
    assert late.status_code == 403
    assert said in late.text
    assert "This login has ended" in late.text
    assert 'href="https://netbank.fjordbank.example/"' in late.text
    assert late.headers["Trace-Id"] in late.text
