"""How often: one count for all processes, that fails closed and that no header can change."""

import subprocess
import sys
import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from pytest_django import Settings

from tenants import limits
from tenants.middleware import address_of
from tenants.models import RateLimit
from tests.harness.ground import Ground

# Windows have fixed ends; one that ended while a test ran would let it begin anew.
ENDLESS = 10**9


@pytest.fixture
def three(settings: Settings) -> str:
    settings.LIMITS = {**settings.LIMITS, "sign_in.account": (3, ENDLESS), "authorize.address": (3, ENDLESS)}
    return uuid.uuid4().hex


def test_the_fourth_of_three_is_too_many(db: None, three: str) -> None:
    assert [limits.hit("sign_in.account", three) for _ in range(5)] == [True, True, True, False, False]
    assert limits.hit("sign_in.account", f"{three}-another")


def test_asking_counts_nothing(db: None, three: str) -> None:
    for _ in range(3):
        assert not limits.blocked("sign_in.account", three)
        limits.hit("sign_in.account", three)
    assert limits.blocked("sign_in.account", three)


def test_a_new_window_begins_at_nothing(db: None, three: str, settings: Settings) -> None:
    for _ in range(4):
        limits.hit("sign_in.account", three)
    RateLimit.objects.update(window=1)
    assert not limits.blocked("sign_in.account", three)
    assert limits.hit("sign_in.account", three)
    (bucket,) = limits.buckets([("sign_in.account", three)])
    assert (bucket.window % ENDLESS, bucket.allowed) == (0, 3)


def test_a_clock_that_is_behind_reopens_no_window(db: None, three: str) -> None:
    for _ in range(3):
        limits.hit("sign_in.account", three)
    (bucket,) = limits.buckets([("sign_in.account", three)])
    RateLimit.objects.filter(key=bucket.key).update(window=bucket.window + ENDLESS)
    assert not limits.hit("sign_in.account", three)


def test_who_is_counted_cannot_be_read_from_the_row(db: None, three: str) -> None:
    limits.hit("sign_in.account", "person@fjordbank.example")
    limits.hit("authorize.address", "198.51.100.7")
    for row in RateLimit.objects.all():
        assert "fjordbank" not in row.key
        assert "198.51" not in row.key


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("not an address", "not an address", True),
    ],
)
def test_addresses_count_by_what_one_host_can_have(db: None, three: str, one: str, other: str, together: bool) -> None:
    first, second = (limits.buckets([("authorize.address", address)])[0].key for address in (one, other))
    assert (first == second) is together


def test_several_limits_count_in_one_statement_of_the_callers(db: None, three: str) -> None:
    found = limits.buckets([("sign_in.account", three), ("authorize.address", three)])
    assert [bucket.key for bucket in found] == sorted(bucket.key for bucket in found)
    sql = f"WITH {limits.COUNT_CTE} SELECT count(*) FROM exceeded"
    answers = []
    with connection.cursor() as cursor:
        for _ in range(4):
            cursor.execute(sql, limits.parameters(found))
            answers.append(cursor.fetchone()[0])
    assert answers == [0, 0, 0, 2]


@pytest.mark.usefixtures("committed")
def test_many_at_once_get_exactly_what_is_allowed(settings: Settings) -> None:
    settings.LIMITS = {"sign_in.account": (25, ENDLESS)}
    key = uuid.uuid4().hex
    allowed: list[bool] = []

    def ask() -> None:
        for _ in range(10):
            allowed.append(limits.hit("sign_in.account", key))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 25
    assert len(allowed) == 40


COUNT_TWICE = """
import sys, django
django.setup()
from django.conf import settings
settings.LIMITS = {"sign_in.account": (3, 10**9)}
from tenants import limits
print([limits.hit("sign_in.account", sys.argv[1]) for _ in range(2)])
"""


@pytest.mark.usefixtures("committed")
def test_counts_outlive_the_process(ground: Ground) -> None:
    key = uuid.uuid4().hex
    answers = [
        subprocess.run(
            [sys.executable, "-c", COUNT_TWICE, key], capture_output=True, text=True, check=True, env=ground.environment()
        ).stdout
        for _ in range(2)
    ]
    assert answers == ["[True, True]\n", "[True, False]\n"]


def test_a_database_that_does_not_answer_allows_nothing(ground: Ground) -> None:
    program = COUNT_TWICE + "print(limits.blocked('sign_in.account', sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "key"],
        capture_output=True,
        text=True,
        check=True,
        env=ground.environment(DATABASE_URL="postgresql://a@/b?host=/nowhere", DATABASE_OWNER_URL="postgresql://a@/b?host=/nowhere"),
    )
    assert done.stdout == "[False, False]\nTrue\n"


def test_windows_that_are_over_are_purged(db: None, three: str) -> None:
    limits.hit("sign_in.account", three)
    limits.hit("sign_in.account", f"{three}-old")
    (old,) = limits.buckets([("sign_in.account", f"{three}-old")])
    RateLimit.objects.filter(key=old.key).update(window=1)
    assert limits.purge() >= 1
    assert not RateLimit.objects.filter(key=old.key).exists()
    assert RateLimit.objects.filter(key=limits.buckets([("sign_in.account", three)])[0].key).exists()


def request_from(peer: str, forwarded: str | None = None) -> HttpRequest:
    request = HttpRequest()
    headers: dict[str, Any] = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    request.META.update(headers)
    return request


def test_a_spoofed_forwarding_header_changes_nothing(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    assert address_of(request_from("203.0.113.9", "198.51.100.1")) == "203.0.113.9"
    settings.TRUSTED_PROXIES = ["10.0.0.1", "10.0.0.2"]
    assert address_of(request_from("203.0.113.9", "198.51.100.1")) == "203.0.113.9"
    assert address_of(request_from("10.0.0.1", "198.51.100.1, 203.0.113.9")) == "203.0.113.9"
    assert address_of(request_from("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2")) == "203.0.113.9"
    assert address_of(request_from("10.0.0.1")) == "10.0.0.1"
