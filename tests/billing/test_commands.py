"""The command line, as an operator's own programs use it: beside a running server, one JSON document on the last line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from django.utils import timezone

from billing.periods import Month
from tests.billing import story
from tests.billing.story import AUGUST, JULY, Customer

Manage = Callable[..., CompletedProcess[str]]


@pytest.fixture
def fjordbank(committed: None) -> Customer:
    return story.customer()


def answer(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def refused(done: CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_usage_counts_what_was_recorded_until_just_now(fjordbank: Customer, manage: Manage) -> None:
    production, test = fjordbank.use(JULY, 6), fjordbank.use(JULY, 2, test=True)
    fjordbank.end("completed", *production[:3], test[0])
    fjordbank.end("cancelled", production[3])
    fjordbank.void(production[0])
    fjordbank.use(AUGUST, 1)
    recorded = timezone.now()
    told = answer(manage("usage", "--tenant", fjordbank.tenant.slug, "--month", "2026-07", "--json"))
    assert told["requested"] == 8 == sum(row["count"] for row in told["rows"])
    assert {(row["environment"], row["action"], row["outcome"]): row["count"] for row in told["rows"]} == {
        ("production", "log_on", "cancelled"): 1,
        ("production", "log_on", "completed"): 2,
        ("production", "log_on", "open"): 2,
        ("production", "log_on", "voided"): 1,
        ("test", "log_on", "completed"): 1,
        ("test", "log_on", "open"): 1,
    }
    assert all(row["client_id"].startswith("client-") for row in told["rows"])
    assert recorded < datetime.fromisoformat(told["complete_until"]) <= datetime.now(UTC) + timedelta(seconds=1)


def test_usage_of_nothing_is_nothing(fjordbank: Customer, manage: Manage) -> None:
    told = answer(manage("usage", "--tenant", fjordbank.tenant.slug, "--month", "2026-02", "--json"))
    assert (told["rows"], told["requested"]) == ([], 0)


@pytest.mark.parametrize("month", ["2026-13", "2026-7", "07-2026", "juli", "", "2026-07-01"])
def test_usage_of_no_month_is_refused(fjordbank: Customer, manage: Manage, month: str) -> None:
    refused(manage("usage", "--tenant", fjordbank.tenant.slug, "--month", month, "--json"), "--month")


def test_unknown_tenants_are_told(committed: None, manage: Manage) -> None:
    refused(manage("usage", "--tenant", "nobody", "--month", "2026-07", "--json"), "there is no tenant nobody")
    refused(manage("close_month", "2026-07", "--tenant", "nobody", "--json"), "there is no tenant nobody")


def test_a_month_is_closed_and_its_invoice_written(fjordbank: Customer, manage: Manage, tmp_path: Path) -> None:
    fjordbank.use(JULY, 1_001)
    slug = fjordbank.tenant.slug
    (document,) = answer(manage("close_month", "2026-07", "--tenant", slug, "--json"))["documents"]
    # 1,001 x 0.259 + 1,001 x 0.03 + 1,001 x 0.01 + 1,000 x 0.80 + 1 x 0.60
    assert document == {
        "number": document["number"],
        "tenant": slug,
        "net": "1099.90",
        "vat": "274.98",
        "total": "1374.88",
        "currency": "DKK",
    }
    assert answer(manage("close_month", "2026-07", "--tenant", slug, "--json")) == {"documents": []}
    for form, start in (("pdf", b"%PDF"), ("csv", b"\xef\xbb\xbf"), ("json", b"{")):
        file = tmp_path / f"invoice.{form}"
        told = answer(manage("invoice", document["number"], "--tenant", slug, "--format", form, "--output", str(file), "--json"))
        content = file.read_bytes()
        assert content.startswith(start)
        assert told == {"number": document["number"], "format": form, "output": str(file), "bytes": len(content)}
    snapshot = json.loads((tmp_path / "invoice.json").read_text())
    assert (snapshot["number"], snapshot["totals"]["gross"], snapshot["illustrative"]) == (document["number"], "1374.88", True)


def test_a_month_that_is_not_over_is_refused(fjordbank: Customer, manage: Manage) -> None:
    this = str(Month.at(timezone.now()))
    refused(manage("close_month", this, "--tenant", fjordbank.tenant.slug, "--json"), f"{this} is not over")
    refused(manage("close_month", "2100-01", "--json"), "2100-01 is not over")


def test_months_close_in_order(fjordbank: Customer, manage: Manage) -> None:
    fjordbank.use(JULY, 1)
    fjordbank.use(AUGUST, 1)
    slug = fjordbank.tenant.slug
    done = manage("close_month", "2026-08", "--tenant", slug, "--json")
    refused(done, f"{slug}: 2026-07 is still open")
    assert json.loads(done.stdout.splitlines()[-1]) == {"documents": []}
    assert len(answer(manage("close_month", "2026-07", "--tenant", slug, "--json"))["documents"]) == 1
    assert len(answer(manage("close_month", "2026-08", "--tenant", slug, "--json"))["documents"]) == 1


def test_a_new_tenant_holds_nothing_back(committed: None, manage: Manage) -> None:
    last = Month.at(timezone.now()).previous()
    new = story.customer(first_month=last)
    new.use(last, 2)
    assert len(answer(manage("close_month", str(last), "--tenant", new.tenant.slug, "--json"))["documents"]) == 1
    newer = story.customer(first_month=last.next())
    assert answer(manage("close_month", str(last), "--tenant", newer.tenant.slug, "--json")) == {"documents": []}


def test_a_month_of_everybody_that_nobody_has_usage_in(fjordbank: Customer, manage: Manage) -> None:
    assert answer(manage("close_month", "2021-05", "--json")) == {"documents": []}


@pytest.mark.parametrize("month", ["2026-00", "2026", "last"])
def test_no_month_is_refused(committed: None, manage: Manage, month: str) -> None:
    refused(manage("close_month", month, "--json"), "YYYY-MM" if month != "2026-00" else "no such month")


def test_an_invoice_that_cannot_be_written_is_told(fjordbank: Customer, manage: Manage, tmp_path: Path) -> None:
    refused(manage("invoice", "F-1999-000001", "--format", "pdf", "--output", str(tmp_path / "x")), "no document F-1999-000001")
    fjordbank.use(JULY, 1)
    (document,) = answer(manage("close_month", "2026-07", "--tenant", fjordbank.tenant.slug, "--json"))["documents"]
    name = ("invoice", document["number"], "--tenant", fjordbank.tenant.slug)
    refused(manage(*name, "--format", "json", "--output", str(tmp_path / "no" / "where")), "--output")
    refused(manage(*name, "--format", "xml", "--output", str(tmp_path / "x")), "xml")
