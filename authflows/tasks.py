"""Sweeps of the login path: what a lost answer or a closed tab left open, and keys whose time has come."""

from __future__ import annotations

from celery import shared_task

from authflows import key_rotation, sweeps


@shared_task(name="authflows.tasks.sweep_core_sessions")
def sweep_core_sessions() -> None:
    sweeps.confirm_open_core_sessions()


@shared_task(name="authflows.tasks.expire_logins")
def expire_logins() -> None:
    sweeps.expire_logins()


@shared_task(name="authflows.tasks.purge")
def purge() -> None:
    sweeps.purge()


@shared_task(name="authflows.tasks.rotate_keys")
def rotate_keys() -> None:
    key_rotation.rotate_all()
