"""Sweeps of the login path: what a lost answer or a closed tab left open."""

from __future__ import annotations

from celery import shared_task

from authflows import sweeps


@shared_task(name="authflows.tasks.sweep_core_sessions")
def sweep_core_sessions() -> None:
    sweeps.confirm_open_core_sessions()


@shared_task(name="authflows.tasks.expire_logins")
def expire_logins() -> None:
    sweeps.expire_logins()


@shared_task(name="authflows.tasks.purge")
def purge() -> None:
    sweeps.purge()
