"""A furnished house: two tenants that log people in, are counted and invoiced, and everybody who may come to their door."""

from __future__ import annotations

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.doubles.furnished import Furnished, furnish


@pytest.fixture(scope="session")
def shared_house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Furnished:
    """Made once and committed; what a test changes of it is rolled back with the test."""
    with django_db_blocker.unblock():
        return furnish()


@pytest.fixture
def house(shared_house: Furnished, db: None) -> Furnished:
    return shared_house
