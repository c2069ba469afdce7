"""What a page says on its console: any error there, a violated content security policy among them, fails the test."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError


class Watch:
    def __init__(self, context: BrowserContext) -> None:
        self._expected: list[str] = []
        self._heard: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)

    def expect(self, pattern: str) -> None:
        """A regular expression for errors that belong to the story, such as the browser's line about a 404."""
        self._expected.append(pattern)

    def check(self) -> None:
        problems = [line for line in self._heard if not any(re.search(pattern, line) for pattern in self._expected)]
        assert not problems, "the browser's console:\n" + "\n".join(problems)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._heard.append(f"{message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self._heard.append(str(error.error))
