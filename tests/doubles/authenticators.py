"""Steps of simulated people in the box, as somebody takes them who reads what is printed there."""

from __future__ import annotations

import re

from httpx import Response

from tests.doubles.browser import Browser, step_of


def moved(visitor: Browser, answer: Response) -> Response:
    """The page that a step led to; a wrong answer's page stands at the same address."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    return visitor.get(location) if "/return?" not in location else answer


def chosen(visitor: Browser, page: Response, user_id: str, method: str) -> Response:
    page = moved(visitor, visitor.submit(page, user_id=user_id))
    assert step_of(page) == "authenticator"
    return moved(visitor, visitor.submit(page, authenticator=method))


def code_on(screen: Response) -> str:
    """The four digits of the app's step."""
    return "".join(re.findall(r"<li>(\d)</li>", screen.text))


def printed(page: Response) -> str:
    """What the step's field takes: it stands beside it."""
    (value,) = re.findall(r"<li><code>([^<]+)</code></li>", page.text)
    return str(value)


def typed(visitor: Browser, page: Response, value: str) -> Response:
    field = "password" if step_of(page) == "password" else "code"
    return moved(visitor, visitor.submit(page, **{field: value}))


def by_password(visitor: Browser, page: Response, user_id: str) -> Response:
    """By code display and password; the answer that ends the box."""
    page = chosen(visitor, page, user_id, "code_display")
    page = typed(visitor, page, printed(page))
    return visitor.submit(page, password=printed(page))
