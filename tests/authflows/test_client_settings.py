"""What a client may be set to is one list, and the table behind it has a column for each."""

from dataclasses import fields

import pytest

from authflows.client_settings import CHOICES, LISTS, OF_CLIENT, OF_PARTY, TEXTS, ClientSettings, UnknownSetting, parse
from authflows.models import ClientExt, RelyingParty
from authflows.registration import Registration


def test_every_setting_is_a_column_of_the_same_name() -> None:
    for names, model in ((OF_CLIENT, ClientExt), (OF_PARTY, RelyingParty)):
        assert set(names) <= {field.name for field in model._meta.get_fields()}
    assert {*OF_CLIENT, *OF_PARTY} == {field.name for field in fields(ClientSettings)}


def test_every_switch_of_the_command_names_a_field() -> None:
    known = {field.name for field in fields(Registration)}
    assert {field for field, _ in CHOICES.values()} | set(TEXTS.values()) | set(LISTS.values()) <= known


def test_pairs_become_fields() -> None:
    assert parse(["min_loa=high", "application_type=native"]) == {"minimum_level": "high", "application_type": "native"}


@pytest.mark.parametrize("pair", ["min_loa", "min_loa=highest", "colour=red", "=", ""])
def test_nothing_is_accepted_and_ignored(pair: str) -> None:
    with pytest.raises(UnknownSetting, match="--setting"):
        parse([pair])
