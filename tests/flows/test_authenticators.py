"""The box with everything that the simulated people hold: factors, levels, mistakes and what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from httpx import Response

from tests.doubles.authenticators import by_password, chosen, code_on, moved, printed, typed
from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
NSIS = "https://data.gov.dk/concept/core/nsis/"
LOW, SUBSTANTIAL, HIGH = f"{NSIS}Low", f"{NSIS}Substantial", f"{NSIS}High"


@pytest.fixture
def phone(new_visitor: Visitors) -> Browser:
    return new_visitor()


@pytest.fixture
def own(fjordbank: House) -> RelyingParty:
    """People are each environment's own: what is blocked here is blocked for nobody else's test."""
    return fjordbank.client("production")


def methods(page: Response) -> list[str]:
    return re.findall(r'name="authenticator" value="(\w+)"', page.text)


def claims_of(party: RelyingParty, asked: object, location: str) -> dict[str, object]:
    return party.claims(party.redeem(asked, location)["id_token"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("person", "level", "offered"),
    [
        ("freja", HIGH, ["app"]),
        ("freja", SUBSTANTIAL, ["app", "code_display", "audio_reader"]),
        ("freja", LOW, ["app", "code_display", "audio_reader", "password"]),
        ("karl", SUBSTANTIAL, ["app", "code_display", "audio_reader"]),
        ("gerda", LOW, ["password"]),
        ("villads", LOW, ["app"]),
    ],
)
def test_only_what_reaches_the_level_is_offered(person: str, level: str, offered: list[str], party: RelyingParty, visitor: Browser) -> None:
    page = visitor.open(party.ask(acr_values=level, prompt="login"))
    assert methods(moved(visitor, visitor.submit(page, user_id=person))) == offered


@pytest.mark.parametrize(
    ("person", "level", "said"),
    [("gerda", SUBSTANTIAL, "Substantial or higher"), ("villads", HIGH, "High"), ("karl", HIGH, "High")],
)
def test_who_holds_nothing_for_the_level_is_told_so_and_so_is_the_client(
    person: str, level: str, said: str, party: RelyingParty, visitor: Browser, books: Books
) -> None:
    asked = party.ask(acr_values=level, prompt="login")
    page = moved(visitor, visitor.submit(visitor.open(asked), user_id=person))
    assert step_of(page) == "level"
    assert f"asks for {said}, and nothing that you have gives it" in page.text
    assert step_of(moved(visitor, visitor.submit(page, again="1"))) == "user_id"
    page = moved(visitor, visitor.submit(visitor.get(str(page.url)), user_id=person))
    told = party.told(asked, visitor.finish(visitor.submit(page, "foot", cancel="1")))
    assert (told["error"], told["error_description"]) == ("unmet_authentication_requirements", "assurance_level_not_met")
    assert books.outcomes(party)[-1] == "failed"


def test_code_display_and_password_reach_substantial(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(acr_values=SUBSTANTIAL, prompt="login")
    told = claims_of(party, asked, visitor.finish(by_password(visitor, visitor.open(asked), "karl")))
    assert (told["acr"], told["amr"]) == (SUBSTANTIAL, ["otp", "pwd", "mfa"])
    assert books.outcomes(party)[-1] == "completed"


def test_a_password_alone_is_low_whatever_the_person_could(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(acr_values=LOW, prompt="login")
    page = chosen(visitor, visitor.open(asked), "freja", "password")
    told = claims_of(party, asked, visitor.finish(visitor.submit(page, password=printed(page))))
    assert (told["acr"], told["aal"], told["ial"]) == (LOW, LOW, HIGH)


def test_the_audio_reader_says_its_code(party: RelyingParty, visitor: Browser) -> None:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    page = chosen(visitor, visitor.open(party.ask(prompt="login")), "karl", "audio_reader")
    spoken = re.findall("|".join(words), page.text[page.text.index("The audio code reader says now") :].split("</span>")[0])
    assert step_of(typed(visitor, page, "".join(str(words.index(word)) for word in spoken))) == "password"


@pytest.mark.parametrize(("method", "field"), [("code_display", "code"), ("password", "password")])
def test_the_third_wrong_answer_blocks_for_a_while(method: str, field: str, own: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = own.ask(acr_values=LOW, prompt="login")
    page = chosen(visitor, visitor.open(asked), "freja", method)
    for left in (2, 1):
        page = typed(visitor, page, "000 000")
        assert f"You have {left} attempt" in page.text
    page = typed(visitor, page, "000 000")
    assert step_of(page) == "blocked"
    again = moved(visitor, visitor.submit(page, method="other"))
    assert step_of(moved(visitor, visitor.submit(again, authenticator=method))) == "blocked"
    page = moved(visitor, visitor.submit(visitor.get(str(page.url)), unblock="1"))
    assert step_of(page) == method
    for _ in range(3):
        page = typed(visitor, page, "000 000")
    told = own.told(asked, visitor.finish(visitor.submit(page, "foot", cancel="1")))
    assert told["error_description"] == "mitid_authenticator_blocked"
    books.execute("DELETE FROM authflows_simulatedblock")


def test_what_is_typed_is_kept_nowhere(party: RelyingParty, visitor: Browser, books: Books) -> None:
    page = chosen(visitor, visitor.open(party.ask(acr_values=LOW, prompt="login")), "karl", "password")
    wrong = typed(visitor, page, "a-real-password-perhaps")
    assert "a-real-password-perhaps" not in wrong.text
    assert "a-real-password-perhaps" not in str(books.rows("SELECT s::text FROM authflows_simulatedsession s"))
    visitor.finish(visitor.submit(wrong, "foot"))


def waiting(visitor: Browser, party: RelyingParty, user_id: str = "karl") -> Response:
    page = chosen(visitor, visitor.open(party.ask(prompt="login")), user_id, "app")
    assert step_of(page) == "waiting"
    return page


def test_the_app_shows_one_request_at_a_time(own: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    first, other = waiting(visitor, own), new_visitor()
    page = chosen(other, other.open(own.ask(prompt="login")), "karl", "app")
    assert step_of(page) == "parallel"
    visitor.finish(visitor.submit(first, "foot"))
    page = moved(other, other.submit(page, again="1"))
    assert step_of(page) == "waiting"
    other.finish(other.submit(page, "foot"))


def test_an_approval_needs_the_screens_code(own: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    screen = waiting(visitor, own)
    address = f"{own.issuer}/simulator/phone?user_id=karl"
    right = code_on(screen)
    for wrong in ("", f"{(int(right) + 1) % 10_000:04}"):
        assert "This is not the code on the screen" in phone.submit(phone.get(address), answer="approve", channel_code=wrong).text
    blocked = phone.submit(phone.get(address), answer="approve", channel_code="x")
    assert "The app is blocked for a while" in blocked.text
    page = visitor.get(str(screen.url))
    assert step_of(page) == "blocked"
    visitor.finish(visitor.submit(page, "foot", cancel="1"))
    books.execute("DELETE FROM authflows_simulatedblock")


def test_both_frames_tie_the_phone_and_an_old_pair_does_not(own: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = own.ask(prompt="login")
    screen = chosen(visitor, visitor.open(asked), "karl", "app")
    screen = moved(visitor, visitor.submit(screen, "pair", method="qr"))
    assert len(re.findall(r'<path d="M\d', screen.text)) == 2
    (channel,) = (
        books.one("SELECT channel FROM authflows_simulatedsession WHERE state = 'waiting' AND qr ORDER BY created_at DESC LIMIT 1"),
    )
    scan = f"{own.issuer}/simulator/phone?qr="
    assert step_of(phone.get(f"{scan}a.{'0' * 16}")) == "frames"
    assert "This code is not in use" in phone.get(f"{scan}b.{channel[16:]}").text
    tied = phone.get(f"{scan}a.{channel[:16]}")
    assert step_of(tied) == "phone"
    assert "Nothing to approve" in phone.submit(tied, answer="approve").text
    assert claims_of(own, asked, visitor.finish(visitor.get(str(screen.url))))["amr"] == ["hwk", "pin", "mfa"]
    phone.get(f"{scan}a.{channel[:16]}")
    assert "This code is not in use" in phone.get(f"{scan}b.{channel[16:]}").text


def test_the_link_on_the_same_device_needs_no_code(own: RelyingParty, visitor: Browser, phone: Browser) -> None:
    screen = waiting(visitor, own)
    (link,) = re.findall(r'href="([^"]*/simulator/phone\?[^"]+)"', screen.text)
    shown = phone.get(link.replace("&amp;", "&"))
    assert "channel_code" not in shown.text
    assert "Nothing to approve" in phone.submit(shown, answer="approve").text
    assert "code=" in visitor.finish(visitor.get(str(screen.url)))


def test_after_a_rejection_one_may_try_again(own: RelyingParty, visitor: Browser, phone: Browser) -> None:
    screen = waiting(visitor, own)
    address = f"{own.issuer}/simulator/phone?user_id=karl"
    phone.submit(phone.get(address), answer="reject")
    page = visitor.get(str(screen.url))
    assert step_of(page) == "rejected"
    page = moved(visitor, visitor.submit(page, again="1"))
    assert step_of(page) == "waiting"
    phone.submit(phone.get(address), answer="approve", channel_code=code_on(page))
    assert "code=" in visitor.finish(visitor.get(str(page.url)))


@pytest.mark.parametrize("frame", ["", "c.0000000000000000", "a.", "a.<script>", "x" * 5000, "a.00000000-0000000"])
def test_no_frame_breaks_the_phone(frame: str, own: RelyingParty, phone: Browser) -> None:
    assert phone.get(f"{own.issuer}/simulator/phone?qr={quote(frame)}").status_code == 200
