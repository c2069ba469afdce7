"""A tenant's design on the pages of a login: from draft to preview, published, rolled back; its logo; the kinds of page that it is for."""

from __future__ import annotations

import copy
import io
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from pytest_django.plugin import DjangoDbBlocker

from tests.doubles.browser import Browser
from tests.doubles.houses import House, open_house
from tests.harness.ground import Ground

ACTOR = "user:11111111-1111-7111-8111-111111111111"


@pytest.fixture
def house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """Fjordbank, before it has a design."""
    found = open_house(django_db_blocker, "Fjordbank")
    with django_db_blocker.unblock():
        yield found


def wanted(heading: str = "Log on to the net bank", panel: str = "#5a1f4a", **changed: Any) -> Any:
    from authflows.loginbox import design, theme

    values = copy.deepcopy(theme.PLAIN)
    values["light"]["panel"] = panel
    links = [{"title": "The bank", "links": [["Contact", "https://fjordbank.example/contact?a=1&b=2"]]}]
    document = design.PLAIN.document() | {"layout": "split", "values": values, "texts": {"en": {"heading": heading, "links": links}}}
    return design.read(document | changed)


def picture() -> Any:
    from authflows.loginbox import logos

    out = io.BytesIO()
    Image.new("RGB", (320, 80), "#ffffff").save(out, "PNG")
    return logos.cleaned(out.getvalue())


def page_of(house: House, visitor: Browser) -> str:
    return visitor.open(house.client().ask()).text


def test_a_draft_is_seen_by_nobody_until_it_is_published(house: House, visitor: Browser) -> None:
    from authflows import designs

    test = house.opened.test
    designs.save(house.id, test, wanted(), actor=ACTOR, logo=picture())
    assert "net bank" not in page_of(house, visitor)

    designs.publish(house.id, test, actor=ACTOR)

    page = page_of(house, visitor)
    assert "Log on to the net bank" in page
    assert '<a href="https://fjordbank.example/contact?a=1&amp;b=2">Contact</a>' in page
    assert re.search(r'<img src="[^"]+/logo/[0-9a-f]{64}" alt="Fjordbank" width="160" height="40">', page)


def test_production_and_test_have_designs_of_their_own(house: House) -> None:
    from authflows import designs

    designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=None)
    designs.publish(house.id, house.opened.test, actor=ACTOR)

    assert designs.newest(house.id, house.opened.production) is None


def test_versions_are_numbered_and_one_is_rolled_back_to_as_a_new_one(house: House) -> None:
    from authflows import designs

    test = house.opened.test
    for heading in ("First", "Second"):
        designs.save(house.id, test, wanted(heading), actor=ACTOR, logo=None)
        designs.publish(house.id, test, actor=ACTOR)
    designs.save(house.id, test, wanted("Draft"), actor=ACTOR, logo=None)

    again = designs.restore(house.id, test, 1, actor=ACTOR)

    assert (again.number, again.restored_from, again.design.texts["en"]["heading"]) == (3, 1, "First")
    newest = designs.newest(house.id, test)
    assert newest is not None
    assert (newest.number, newest.draft, newest.design.texts["en"]["heading"]) == (4, True, "Draft")
    assert [(each.number, each.draft) for each in designs.history(house.id, test)] == [(4, True), (3, False), (2, False), (1, False)]
    with pytest.raises(designs.NoSuchVersion):
        designs.restore(house.id, test, 4, actor=ACTOR)


def test_what_is_low_in_contrast_is_kept_as_a_draft_and_never_published(house: House, visitor: Browser) -> None:
    from authflows import designs

    test = house.opened.test
    designs.save(house.id, test, wanted(panel="#cccccc"), actor=ACTOR, logo=None)

    with pytest.raises(designs.LowContrast) as refused:
        designs.publish(house.id, test, actor=ACTOR)

    assert {(pair.scheme, pair.foreground, pair.background) for pair in refused.value.pairs} == {
        ("light", "panel-ink", "panel"),
        ("light", "panel-ink-2", "panel"),
    }
    assert "net bank" not in page_of(house, visitor)


def test_two_people_do_not_overwrite_each_other(house: House) -> None:
    from authflows import designs

    test = house.opened.test
    first = designs.save(house.id, test, wanted("First"), actor=ACTOR, logo=None, mark="")
    designs.save(house.id, test, wanted("Second"), actor=ACTOR, logo=None, mark=first.mark)

    with pytest.raises(designs.Overtaken):
        designs.save(house.id, test, wanted("Late"), actor=ACTOR, logo=None, mark=first.mark)
    with pytest.raises(designs.Overtaken):
        designs.publish(house.id, test, actor=ACTOR, mark=first.mark)


def test_an_export_is_imported_elsewhere_with_its_logo(house: House, havneby: House) -> None:
    from authflows import designs

    saved = designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=picture())
    text = json.dumps(designs.exported(house.id, saved)).encode()

    there = designs.imported(havneby.id, havneby.opened.production, text, actor=ACTOR)

    assert there.design == saved.design
    assert there.draft
    assert there.logo_id not in (None, saved.logo_id)


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"logo": "x"}, "$.logo"),
        ({"logo": {"media_type": "image/png", "base64": "%"}}, "$.logo.base64"),
        ({"logo": {"media_type": "image/svg+xml", "base64": "PGh0bWw+"}}, "$.logo.base64"),
        ({"layout": "wide"}, "$.layout"),
    ],
)
def test_a_malformed_import_changes_nothing(house: House, changed: dict[str, Any], path: str) -> None:
    from authflows import designs
    from authflows.loginbox.design import Malformed

    with pytest.raises(Malformed) as refused:
        designs.imported(house.id, house.opened.test, json.dumps(wanted().document() | changed).encode(), actor=ACTOR)

    assert [problem.path for problem in refused.value.problems] == [path]
    assert designs.newest(house.id, house.opened.test) is None


def test_another_tenant_s_logo_cannot_be_kept(house: House, havneby: House) -> None:
    from authflows import designs

    theirs = designs.save(havneby.id, havneby.opened.test, wanted(), actor=ACTOR, logo=picture())

    with pytest.raises(designs.NoSuchVersion):
        designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=theirs.logo_id)


def test_a_discarded_draft_is_gone(house: House) -> None:
    from authflows import designs

    designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=None)

    assert designs.discard(house.id, house.opened.test, actor=ACTOR)
    assert not designs.discard(house.id, house.opened.test, actor=ACTOR)
    assert designs.newest(house.id, house.opened.test) is None


def test_every_change_stands_in_the_tenant_s_chain(house: House) -> None:
    from authflows import designs
    from tenants.isolation import tenant_scope
    from tenants.models import AuditEntry

    test = house.opened.test
    designs.save(house.id, test, wanted(), actor=ACTOR, logo=None)
    designs.publish(house.id, test, actor=ACTOR)
    designs.restore(house.id, test, 1, actor=ACTOR)

    with tenant_scope(house.id):
        told = AuditEntry.objects.of(house.id).filter(action__startswith="design.").order_by("seq")
        assert [(entry.action, entry.actor) for entry in told] == [
            ("design.saved", ACTOR),
            ("design.published", ACTOR),
            ("design.restored", ACTOR),
        ]


def test_a_design_for_other_kinds_of_page_leaves_the_login_plain(house: House, visitor: Browser) -> None:
    from authflows import designs

    designs.save(house.id, house.opened.test, wanted(kinds=["sign"]), actor=ACTOR, logo=None)
    designs.publish(house.id, house.opened.test, actor=ACTOR)

    assert "net bank" not in page_of(house, visitor)


def test_a_logo_is_served_for_ever_and_can_do_nothing(house: House, visitor: Browser) -> None:
    from authflows import designs
    from authflows.loginbox import logos

    mark = logos.cleaned(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script><path d="M0 0"/></svg>')
    designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=mark)
    issuer = house.client().issuer

    answer = visitor.get(f"{issuer}/logo/{mark.digest}")

    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content == mark.content
    assert visitor.get(f"{issuer}/logo/{'0' * 64}").status_code == 404


def test_a_preview_shows_the_draft_dead(house: House, visitor: Browser) -> None:
    from authflows import designs, previews

    saved = designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=None)
    issuer = house.client().issuer

    answer = visitor.get(previews.address(issuer, saved.id, scheme="dark"))

    assert answer.status_code == 200
    assert "Preview. Nobody can log in here." in answer.text
    assert "Log on to the net bank" in answer.text
    assert 'data-theme="dark"' in answer.text
    assert '<section class="boxslot" inert' in answer.text
    said = answer.headers["Content-Security-Policy"].split("; ")
    assert {"form-action 'none'", "sandbox allow-same-origin", "script-src 'self'", f"frame-ancestors {visitor.base_url}"} <= set(said)
    assert (answer.headers["X-Robots-Tag"], answer.headers["Cache-Control"]) == ("noindex", "no-store")
    assert "Set-Cookie" not in answer.headers


def test_how_it_looks_without_a_design_and_when_it_fails(house: House, visitor: Browser) -> None:
    from authflows import previews

    issuer = house.client().issuer

    assert "Log on at Fjordbank" in visitor.get(previews.address(issuer)).text
    assert "The time is up" in visitor.get(previews.address(issuer, stage="error")).text


def test_a_preview_is_the_tenant_s_own_and_ends(house: House, havneby: House, visitor: Browser) -> None:
    from authflows import designs, previews

    saved = designs.save(house.id, house.opened.test, wanted(), actor=ACTOR, logo=None)
    issuer, elsewhere = house.client().issuer, havneby.client().issuer
    address = previews.address(issuer, saved.id)
    others = [
        address.replace(issuer, elsewhere),
        address.replace(saved.id.hex, uuid.uuid4().hex),
        address.replace("/start/", "/x/"),
        address.replace("/system", "/pink"),
        previews.address(issuer, uuid.uuid4()),
        f"{issuer}/preview/{'x' * 40}/start/light",
    ]

    assert [visitor.get(other).status_code for other in others] == [404] * 6
    assert designs.discard(house.id, house.opened.test, actor=ACTOR)
    assert "The preview is over" in visitor.get(address).text


def test_a_preview_s_address_is_over_after_a_quarter_of_an_hour(house: House, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from authflows import previews

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - previews.SECONDS - 2)
    address = previews.address(house.client().issuer)
    monkeypatch.undo()

    assert visitor.get(address).status_code == 404


def test_existing_designs_become_those_of_environments(house: House, ground: Ground) -> None:
    """What the migration does with one design that both environments showed, and with links that stood alone."""
    from importlib import import_module

    from django.apps import apps

    from authflows import designs, registration
    from authflows.loginbox import theme
    from authflows.models import Service, Theme
    from tenants.isolation import tenant_scope

    for environment in (house.opened.test, house.opened.production):
        registration.register(house.opened.tenant, environment, registration.Registration("App", ("https://app.fjordbank.example/cb",)))
    with tenant_scope(house.id):
        texts = {"en": {"links": [["Contact", "https://fjordbank.example/c"]]}}
        old = Theme.objects.create(tenant_id=house.id, name="fjord", values=theme.PLAIN, texts=texts, published_at="2026-11-01T00:00Z")
        Service.objects.of(house.id).update(theme_id=old.id)

        import_module("authflows.migrations.0017_designs").designs_of_environments(apps, None)

        names = {row.id: row.name for row in Theme.objects.of(house.id)}
        used = {names[service.theme_id]: service.environment_id for service in Service.objects.of(house.id) if service.theme_id}
    assert used == {"test": house.opened.test.id, "production": house.opened.production.id}
    found = designs.published(house.id, house.opened.test)
    assert found is not None
    assert found.design.texts == {"en": {"links": [{"title": "", "links": [["Contact", "https://fjordbank.example/c"]]}]}}
