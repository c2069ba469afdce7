"""The person's part of a login that somebody else's client has begun."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from tests.doubles.browser import Browser, forms


@dataclass(frozen=True)
class Ending:
    """Where the browser ends up at the relying party; `form` where it is sent there by a POST."""

    address: str
    form: dict[str, str] | None = None

    @property
    def as_query(self) -> str:
        """For a client that takes an answer as an address only."""
        return self.address if self.form is None else f"{self.address}?{urlencode(self.form)}"


def through(visitor: Browser, url: str, *, user_id: str = "auto-approve", locale: str = "") -> Ending:
    """To the box, unless the answer comes at once, and through it."""
    answer = visitor.get(url)
    if answer.status_code == 303 and "/login/" in answer.headers["Location"]:
        page = visitor.get(answer.headers["Location"])
        assert page.status_code == 200, page.text
        if locale:
            assert f'<html lang="{locale}"' in page.text
        answer = visitor.submit(page, user_id=user_id)
    while answer.status_code == 303 and answer.headers["Location"].startswith("/"):
        answer = visitor.get(answer.headers["Location"])
    if answer.status_code == 303:
        return Ending(answer.headers["Location"])
    assert answer.status_code == 200, answer.text
    (form,) = forms(answer)
    return Ending(form.action, form.fields)
