"""The product as it runs for people: granian, a Celery worker and beat, over the tests' own database and queue."""

import sys
import time
from pathlib import Path

from broker_portal.embedded import addresses, programs
from broker_portal.embedded.options import Options, answers
from broker_portal.embedded.processes import Child, last_lines
from broker_portal.embedded.supervision import Supervisor
from tests.harness.ground import Ground

SECONDS_TO_ANSWER = 60


class Server:
    """`env` changes settings for this server only, such as BOX_URL; several servers may share the ground."""

    def __init__(self, ground: Ground, port: int, *, background: bool = True, **env: str) -> None:
        self.port = port
        self.base_url = f"http://localhost:{port}"
        self.data_dir = ground.data_dir
        environment = ground.environment(PORT=str(port), BASE_URL=self.base_url, **env)
        self.web: Child = programs.web(ground.data_dir, environment, "127.0.0.1", port)
        self.worker: Child = programs.worker(ground.data_dir, environment, addresses.default_queue_url(ground.data_dir))
        self.beat: Child = programs.beat(ground.data_dir, environment)
        self._children = [self.web, self.worker, self.beat] if background else [self.web]
        self._supervisor = Supervisor(lambda line: print(line, file=sys.stderr))

    @property
    def logs(self) -> dict[str, Path]:
        return {child.name: child.log for child in self._children}

    def start(self) -> None:
        """Returns when /healthz answers."""
        for child in self._children:
            self._supervisor.start_program(child)
        options = Options(self.data_dir, "127.0.0.1", self.port, self.base_url, False, None, None)
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not answers(options):
            if time.monotonic() > deadline or not self.web.alive():
                self.stop()
                raise RuntimeError(f"the server does not answer:\n{last_lines(self.web.log, 60)}")
            time.sleep(0.1)

    def watch(self) -> None:
        """One round of what the supervisor of `make run` does every second: starts again what has ended."""
        self._supervisor.watch()

    def stop(self) -> None:
        self._supervisor.stop()
