"""The wording that a person agrees to: the tenant's where it has one in that language, else ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from authflows.configuration import ThemeValues
from authflows.loginbox import cards

OWN = {"da": {"cpr_consent": "Vi spørger, fordi hvidvaskloven siger det."}}


def client(texts: dict[str, Any] | None) -> Any:
    return SimpleNamespace(alias="Netbank", theme=ThemeValues("own-1", "centred", {}, texts) if texts is not None else None)


@pytest.mark.parametrize("texts", [None, {}, {"da": {}}, {"da": {"cpr_consent": ""}}])
def test_a_tenant_without_words_of_its_own_has_ours(texts: dict[str, Any] | None) -> None:
    assert cards.consent(client(texts), "da", remember=False) == (
        "Samtykke",
        "Jeg giver Netbank lov til at sammenligne mit CPR-nummer med det, der hører til mit MitID.",
    )


def test_a_tenant_s_own_words_stand_in_their_language() -> None:
    assert cards.consent(client(OWN), "da", remember=False)[1] == OWN["da"]["cpr_consent"]
    assert cards.consent(client(OWN), "en", remember=False)[1].startswith("I allow Netbank to compare")


def test_what_is_remembered_is_agreed_to() -> None:
    assert cards.consent(client(OWN), "da", remember=True)[1] == "Vi spørger, fordi hvidvaskloven siger det.\nHusk det i et år"
