"""The look of an environment's pages in the portal: what is wrong is said at its field, what is low is corrected by one press."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from authflows import designs
from authflows.designs import Version
from broker_portal.branding.forms import groups_of, lines_of
from broker_portal.clients import registry
from tests.doubles.furnished import Furnished

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 20"><path d="M0 0h9"/></svg>'


def address(house: Furnished, name: str = "branding", *more: Any) -> str:
    return reverse(f"portal:{name}", args=[house.slug, "production", *more])


def newest(house: Furnished) -> Version | None:
    return designs.newest(house.tenant_id, registry.environment_of(house.tenant_id, "production"))


def save(house: Furnished, **typed: Any) -> Any:
    """The form as the page gave it, with what was typed over it."""
    browser = house.browser("owner")
    form = browser.get(address(house)).context["form"]
    sent = {name: "" if (first := form[name].value()) is None or first is False else first for name in form.fields}
    return browser.post(address(house), {key: value for key, value in (sent | typed).items() if value != "" or key in typed})


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_from_a_draft_to_every_client_s_page(house: Furnished) -> None:
    answer = save(house, **{"da-heading": "Log på banken", "logo": SimpleUploadedFile("logo.svg", SVG)})
    assert answer.status_code == 303
    draft = newest(house)
    assert draft is not None
    assert (draft.number, draft.draft, draft.design.texts["da"]["heading"]) == (1, True, "Log på banken")
    assert draft.logo_id is not None

    house.browser("developer").post(address(house, "branding_publish"), {"mark": draft.mark})

    published = newest(house)
    assert published is not None
    assert not published.draft
    page = text_of(house.browser("read_only").get(address(house, "branding_versions")))
    assert "Version 1" in page


def test_the_logo_stays_until_it_is_taken_away(house: Furnished) -> None:
    save(house, logo=SimpleUploadedFile("logo.svg", SVG))
    save(house, layout="topbar")
    kept = newest(house)
    save(house, without_logo="on")
    gone = newest(house)

    assert kept is not None
    assert gone is not None
    assert (kept.logo_id is None, gone.logo_id) == (False, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"light-panel": "red"}, "Skriv en farve som #1b5648."),
        ({"dark-link": "url(x)"}, "Skriv en farve som #1b5648."),
        ({"da-heading": "x" * 81}, "Teksten er for lang."),
        ({"en-links": "Contact javascript:alert(1)"}, "Skal være en adresse, der begynder med https://."),
        ({"kl-points": "1\n2\n3\n4\n5"}, "Der er for mange af dem."),
        ({"logo": SimpleUploadedFile("x.png", b"GIF89a/*")}, "Det er ikke et billede, vi kan læse."),
        ({"logo": SimpleUploadedFile("x.png", b"\0" * 200_001)}, "Logoet må fylde højst 200 kB."),
        ({"logo": SimpleUploadedFile("x.svg", b"<svg><script/></svg>")}, "Det er ikke en SVG-tegning."),
        ({"layout": "full"}, "full"),
        ({"heading_font": "comic"}, "comic"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(house: Furnished, typed: dict[str, Any], said: str) -> None:
    answer = save(house, **typed)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert newest(house) is None


def test_low_contrast_is_named_corrected_by_one_press_and_not_published_before(house: Furnished) -> None:
    save(house, **{"light-panel": "#123c34", "light-panel-ink-2": "#7d9189"})
    page = text_of(house.browser("owner").get(address(house)))
    assert "<code>#90a19a</code>" in page
    assert "light.panel-ink-2=#90a19a" in page
    draft = newest(house)
    assert draft is not None
    house.browser("owner").post(address(house, "branding_publish"), {"mark": draft.mark})
    assert newest(house) == draft

    save(house, use="light.panel-ink-2=#90a19a")

    corrected = newest(house)
    assert corrected is not None
    assert corrected.design.values["light"]["panel-ink-2"] == "#90a19a"
    house.browser("owner").post(address(house, "branding_publish"), {"mark": corrected.mark})
    published = newest(house)
    assert published is not None
    assert not published.draft


def test_who_saves_an_old_page_overwrites_nobody(house: Furnished) -> None:
    save(house, **{"da-heading": "Først"})

    answer = save(house, mark="", **{"da-heading": "For sent"})

    assert answer.status_code == 422
    assert "En anden har gemt imens" in text_of(answer)


def test_a_design_is_taken_along_to_the_other_environment(house: Furnished) -> None:
    save(house, **{"da-heading": "Log på banken", "logo": SimpleUploadedFile("logo.svg", SVG)})
    browser = house.browser("owner")
    file = browser.get(address(house, "branding_export"))
    assert "attachment" in file["Content-Disposition"]
    there = reverse("portal:branding_import", args=[house.slug, "test"])

    answer = browser.post(there, {"file": SimpleUploadedFile("design.json", file.content)})

    assert answer.status_code == 303
    imported = designs.newest(house.tenant_id, registry.environment_of(house.tenant_id, "test"))
    assert imported is not None
    assert imported.design.texts["da"]["heading"] == "Log på banken"


@pytest.mark.parametrize(
    ("file", "said"),
    [(b"{", "$"), (b"[]", "$"), (json.dumps({"layout": "x"}).encode(), "$.layout"), (b"\xff", "$")],
)
def test_malformed_json_is_told_by_its_path(house: Furnished, file: bytes, said: str) -> None:
    answer = house.browser("owner").post(address(house, "branding_import"), {"file": SimpleUploadedFile("x.json", file)})

    assert answer.status_code == 422
    assert f'<code class="wrap-any">{said}</code>' in text_of(answer)
    assert newest(house) is None


def test_a_draft_is_discarded(house: Furnished) -> None:
    save(house)
    house.browser("owner").post(address(house, "branding_discard"))

    assert newest(house) is None


def test_who_may_only_see_gets_no_form(house: Furnished) -> None:
    page = text_of(house.browser("finance").get(address(house)))

    assert "/preview/" in page
    assert 'id="design"' not in page
    assert "branding/publish" not in page


def test_links_are_lines() -> None:
    text = "Banken\nKontakt os https://x.example/k\nHjælp https://x.example/h\nMere\nOm https://x.example/o"

    assert groups_of(text) == [
        {"title": "Banken", "links": [["Kontakt os", "https://x.example/k"], ["Hjælp", "https://x.example/h"]]},
        {"title": "Mere", "links": [["Om", "https://x.example/o"]]},
    ]
    assert lines_of(groups_of(text)) == text
