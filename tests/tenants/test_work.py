"""Work is rows: claimed by one, done once, found again after anything was lost."""

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import Celery
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from tenants import work
from tenants.models import Work, WorkState


@pytest.fixture
def kind() -> str:
    """A kind of this test's own: committed rows of others stay out of sight."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def after_a_lease(db: None) -> Callable[[Work], Work]:
    def pass_time(item: Work) -> Work:
        Work.objects.filter(id=item.id).update(lease_until=timezone.now() - timedelta(seconds=1))
        return Work.objects.get(id=item.id)

    return pass_time


def test_the_same_work_is_added_once(db: None, kind: str) -> None:
    tenant = uuid.uuid4()
    first = work.add(kind, "2026-10", for_tenant=tenant, ids={"month": "2026-10"})
    again = work.add(kind, "2026-10", ids={"month": "other"})
    assert first == again
    assert (again.for_tenant, again.ids, again.state) == (tenant, {"month": "2026-10"}, WorkState.WAITING)
    assert work.add(kind, "2026-11") != first


def test_claimed_work_is_nobody_elses_and_done_work_is_gone(db: None, kind: str) -> None:
    for number in range(3):
        work.add(kind, str(number))
    held = work.claim(kind, limit=2, lease_seconds=60)
    assert [item.key for item in held] == ["0", "1"]
    assert all(item.state == WorkState.RUNNING and item.attempts == 1 for item in held)
    (rest,) = work.claim(kind, limit=5, lease_seconds=60)
    for item in (*held, rest):
        work.done(item)
    assert work.claim(kind, limit=5, lease_seconds=60) == []
    assert work.add(kind, "0").state == WorkState.DONE


def test_work_waits_for_its_time(db: None, kind: str) -> None:
    work.add(kind, "later", not_before=timezone.now() + timedelta(hours=1))
    assert work.claim(kind, limit=5, lease_seconds=60) == []


def test_a_person_who_asks_now_need_not_wait_for_the_next_attempt(db: None, kind: str) -> None:
    for key in ("pausing", "aside", "running", "unasked"):
        work.add(kind, key)
    held = {item.key: item for item in work.claim(kind, limit=4, lease_seconds=60)}
    for key in ("pausing", "aside", "unasked"):
        work.fail(held[key], ValueError("no price"))
    Work.objects.filter(kind=kind, key="aside").update(state=WorkState.FAILED, attempts=work.MAX_ATTEMPTS)
    assert work.claim(kind, limit=4, lease_seconds=60) == []
    asked = ["pausing", "aside", "running"]
    assert {item.key for item in work.claim(kind, limit=4, lease_seconds=60, keys=asked)} == {"pausing", "aside"}


def test_a_worker_that_ended_leaves_its_work_to_the_next(db: None, kind: str, after_a_lease: Callable[[Work], Work]) -> None:
    work.add(kind, "only")
    (lost,) = work.claim(kind, limit=1, lease_seconds=60)
    after_a_lease(lost)
    assert work.sweep()[kind] == 1
    (taken,) = work.claim(kind, limit=1, lease_seconds=60)
    assert taken.attempts == 2
    with pytest.raises(work.LeaseLost):
        work.done(lost)
    work.fail(lost, RuntimeError("too late to matter"))
    work.done(taken)
    assert kind not in work.sweep()


@pytest.mark.usefixtures("committed")
def test_the_effect_of_a_lost_lease_is_rolled_back(kind: str) -> None:
    work.add(kind, "only")
    (lost,) = work.claim(kind, limit=1, lease_seconds=0)
    (taken,) = work.claim(kind, limit=1, lease_seconds=60)

    def late() -> None:
        with transaction.atomic():
            work.add(kind, "effect")
            work.done(lost)

    with pytest.raises(work.LeaseLost):
        late()
    assert not Work.objects.filter(kind=kind, key="effect").exists()
    work.done(taken)


@pytest.mark.usefixtures("committed")
def test_many_workers_do_each_thing_once(kind: str) -> None:
    for number in range(40):
        work.add(kind, str(number))
    done: list[str] = []

    def worker() -> None:
        while items := work.claim(kind, limit=3, lease_seconds=60):
            for item in items:
                with transaction.atomic():
                    work.done(item)
                done.append(item.key)
        connection.close()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert sorted(done, key=int) == [str(number) for number in range(40)]


def test_what_fails_is_tried_again_later_and_at_last_put_aside(db: None, kind: str) -> None:
    work.add(kind, "only")
    pauses = []
    for _ in range(work.MAX_ATTEMPTS):
        Work.objects.filter(kind=kind).update(not_before=timezone.now())
        (item,) = work.claim(kind, limit=1, lease_seconds=60)
        work.fail(item, ValueError("no price for October"))
        item = Work.objects.get(id=item.id)
        pauses.append((item.not_before - timezone.now()).total_seconds())
        assert item.error == "ValueError: no price for October"
    assert item.state == WorkState.FAILED
    assert pauses[0] == pytest.approx(5, abs=2)
    assert pauses[3] == pytest.approx(40, abs=2)
    assert max(pauses) <= work.LONGEST_PAUSE.total_seconds()
    assert work.claim(kind, limit=1, lease_seconds=60) == []


def test_work_that_ends_its_worker_every_time_is_put_aside(db: None, kind: str, after_a_lease: Callable[[Work], Work]) -> None:
    work.add(kind, "deadly")
    for _ in range(work.MAX_ATTEMPTS):
        (item,) = work.claim(kind, limit=1, lease_seconds=60)
        item = after_a_lease(item)
    assert work.claim(kind, limit=1, lease_seconds=60) == []
    work.sweep()
    assert Work.objects.get(id=item.id).state == WorkState.FAILED


def test_values_in_database_errors_are_not_kept(db: None, kind: str) -> None:
    work.add(kind, "only")
    (item,) = work.claim(kind, limit=1, lease_seconds=60)
    work.fail(item, IntegrityError("Key (email)=(person@fjordbank.example) already exists."))
    assert Work.objects.get(id=item.id).error == "IntegrityError"


def dead_queue() -> work.Task:
    app = Celery("dead", broker="redis+socket:///nowhere/broker.sock", set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS

    @app.task(name="dead.task")
    def task(month: str) -> None:
        raise AssertionError(month)

    return task


def test_a_dead_queue_does_not_touch_saved_work(
    db: None, kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        work.add(kind, "only")
        work.nudge(dead_queue(), "2026-10")
    assert len(callbacks) == 1
    assert time.monotonic() - started < 1
    assert "dead.task was not sent" in caplog.text
    assert work.sweep()[kind] == 1


@pytest.mark.usefixtures("committed")
def test_a_nudge_waits_for_the_commit_and_ends_with_a_rollback(kind: str) -> None:
    sent = []

    class Recorder:
        name = "recorder"

        def apply_async(self, args: object = None, *, retry: bool) -> None:
            sent.append((args, retry, Work.objects.filter(kind=kind).exists()))

    with transaction.atomic():
        work.nudge(Recorder(), 1)
        work.add(kind, "only")
        assert sent == []
    assert sent == [((1,), False, True)]
    with transaction.atomic():
        work.nudge(Recorder(), 2)
        transaction.set_rollback(True)
    assert len(sent) == 1


def test_old_work_is_purged(db: None, kind: str) -> None:
    for key in ("old", "new"):
        work.add(kind, key)
    for item in work.claim(kind, limit=2, lease_seconds=60):
        work.done(item)
    Work.objects.filter(kind=kind, key="old").update(done_at=timezone.now() - timedelta(days=91))
    work.purge()
    assert [item.key for item in Work.objects.filter(kind=kind)] == ["new"]
