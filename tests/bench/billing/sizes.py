"""How much is measured, and what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """`requests`: of all accounts in the closed month; `drilled`: of one account in a month; `recounted`: of those, for the recount."""

    rounds: int
    transactions: int
    rolled: int
    accounts: int
    requests: int
    drilled: int
    recounted: int
    documents: int


FULL = Sizes(
    rounds=7, transactions=400, rolled=60_000, accounts=5_000, requests=54_000_000, drilled=5_000_000, recounted=2_000_000, documents=40
)
QUICK = Sizes(rounds=3, transactions=150, rolled=8_000, accounts=100, requests=1_080_000, drilled=100_000, recounted=40_000, documents=5)


def against(value: float, *, at_most: float | None = None, at_least: float | None = None) -> dict[str, float | bool]:
    """A figure beside its bar."""
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    return {"value": round(value, 3), "bar": at_most if at_most is not None else at_least or 0, "met": met}
