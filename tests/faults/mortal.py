"""The product's web server as a process that ends itself at a chosen point of its work: `python -m tests.faults.mortal ISSUER CLIENT_ID`.

It says its port, then reads numbers: for each it kills the server that it has and forks a new one, which sends itself SIGKILL at its
n-th point; 0 is a server that lives. A point is a statement to the database, a commit, or an answer that is about to leave; the point
that ended a server is printed. Nothing of this is in the product: the wrapper is around its steps, here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django

django.setup()

from django.db import connection  # noqa: E402  (models need Django to be set up)

from authflows import configuration  # noqa: E402  (models need Django to be set up)
from authflows.pipeline import Step  # noqa: E402  (models need Django to be set up)
from broker_portal.wsgi import application  # noqa: E402  (models need Django to be set up)


class Points:
    def __init__(self, last: int) -> None:
        self._last, self._seen = last, 0

    def passed(self, what: str) -> None:
        self._seen += 1
        if self._seen == self._last:
            say({"point": what})
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        execute, send = Step.execute, Step.send

        def counted(step: Step, sql: str, *args: Any, **kwargs: Any) -> Any:
            self.passed(" ".join(sql.split())[:70])
            return execute(step, sql, *args, **kwargs)

        def committing(self_: Step) -> None:
            self.passed("COMMIT")
            send(self_)

        Step.execute = counted  # type: ignore[method-assign]
        Step.send = committing  # type: ignore[method-assign, assignment]

    def around(self, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def answering(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            answer = application(environ, start)
            self.passed(f"answer to {environ['REQUEST_METHOD']} …/{environ['PATH_INFO'].rpartition('/')[2][:10]}")
            return answer

        return answering


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def say(what: dict[str, Any]) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


def main(issuer: str, client_id: str) -> None:
    parts = urlsplit(issuer)
    # What a process has read by the time that it has worked for a while; the points are those of a login.
    known = configuration.find(parts.netloc, parts.path)
    assert known is not None
    assert configuration.client(known, client_id) is not None
    connection.close()
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        say({"port": server.server_port})
        child = 0
        for line in sys.stdin:
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            child = os.fork()
            if not child:
                connection.ensure_connection()
                if int(line):
                    points = Points(int(line))
                    points.install()
                    server.set_app(points.around(application))
                say({"serving": int(line)})
                server.serve_forever()
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
