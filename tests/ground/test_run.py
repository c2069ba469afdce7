"""`make run`: what it refuses, what it survives, and that it leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from broker_portal.embedded import addresses
from broker_portal.embedded.postgres import Cluster, create_database
from broker_portal.embedded.programs import ROOT
from tests.ground.running import COMMAND, MAKE, Run, eventually
from tests.harness.ground import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left in /proc")

Start = Callable[..., Run]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One installation for the whole file: migrated once, started, killed and stopped many times."""
    return tmp_path_factory.mktemp("installation") / "var"


@pytest.fixture
def start(data_dir: Path, tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def begin(where: Path = data_dir, port: int | None = None, command: Sequence[str] = COMMAND, **env: str) -> Run:
        runs.append(Run(where, port or free_port(), tmp_path / f"output-{len(runs)}", env, command))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.end()
    for run in runs:
        run.until_nothing_runs()


def refused(run: Run) -> str:
    """The one line that a refused start prints."""
    assert run.until_ended() == 1
    assert "Traceback" not in run.said
    lines = [line for line in run.said.splitlines() if not line.endswith("…")]
    assert len(lines) == 1, run.said
    assert not run.processes()
    return lines[0]


def test_a_taken_port_is_refused_before_anything_is_started(start: Start, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused(start(where=tmp_path / "var", port=port))
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(start: Start, tmp_path: Path, port: str) -> None:
    assert f"PORT={port}" in refused(start(where=tmp_path / "var", PORT=port))


@pytest.mark.parametrize("place", ["file/var", "/proc/broker-portal"])
def test_a_data_directory_that_cannot_be_made_is_refused(start: Start, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a directory")
    assert f"cannot write to the data directory {tmp_path / place}" in refused(start(where=tmp_path / place))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_may_only_be_read_is_refused_and_left_alone(start: Start, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o555)
    assert "cannot write to the data directory" in refused(start(where=tmp_path / "var"))
    assert not list((tmp_path / "var").iterdir())


def test_an_unreachable_database_is_refused(start: Start, tmp_path: Path) -> None:
    nowhere = f"postgresql://broker_app@127.0.0.1:{free_port()}/broker"
    assert "DATABASE_URL" in refused(start(where=tmp_path / "var", DATABASE_URL=nowhere, DATABASE_OWNER_URL=nowhere))


def test_half_a_database_is_refused(start: Start, tmp_path: Path) -> None:
    assert "together" in refused(start(where=tmp_path / "var", DATABASE_URL="postgresql://broker_app@127.0.0.1/broker"))


def test_a_database_of_somebody_elses_keeping_is_used_and_left_running(start: Start, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    cluster = Cluster(theirs)
    cluster.start()
    try:
        create_database(theirs)
        application, owner = addresses.default_urls(theirs)
        as_owner = start(where=tmp_path / "var", DATABASE_URL=owner, DATABASE_OWNER_URL=owner)
        assert as_owner.until_ended() == 1
        assert "owns the tables" in as_owner.said
        run = start(where=tmp_path / "var", DATABASE_URL=application, DATABASE_OWNER_URL=owner)
        run.until_running()
        assert not (tmp_path / "var" / "postgres").exists()
        assert run.end() == 0
        assert cluster.alive()
    finally:
        cluster.ask_to_stop()
        cluster.finish()


def test_a_command_that_fails_while_starting_stops_everything_and_is_shown(start: Start, tmp_path: Path) -> None:
    run = start(where=tmp_path / "var", BROKER_MODE="neither")
    assert run.until_ended() == 1
    assert "BROKER_MODE" in run.said
    assert not run.processes()


def test_it_can_be_stopped_while_it_starts(start: Start, tmp_path: Path) -> None:
    run = start(where=tmp_path / "var")
    eventually("PostgreSQL's files", (tmp_path / "var" / "postgres" / "data").exists)
    assert run.end() == 0
    assert not run.processes()


def test_it_starts_answers_and_ends_on_ctrl_c_with_nothing_left(start: Start) -> None:
    run = start()
    run.until_running()
    assert run.answer() == 200
    assert run.end(signal.SIGINT) == 0
    assert not run.processes()


def test_a_start_waits_for_one_that_is_ending_on_sigterm(start: Start) -> None:
    first = start()
    first.until_running()
    first.process.send_signal(signal.SIGTERM)
    second = start(port=first.port)
    second.until_running()
    assert first.until_ended() == 0
    assert second.answer() == 200


def test_a_running_installation_survives_second_starts_commands_and_kills(start: Start, data_dir: Path) -> None:
    run = start()
    run.until_running()
    a_second_start_is_refused(start(), run)
    commands_find_it(data_dir)
    a_killed_web_worker_is_replaced(run)
    workers_do_not_outlive_their_main_process(run)
    for program in ("celery -A broker_portal beat", "valkey-server", "postgres -D"):
        a_killed_program_is_started_again(run, program)


def a_second_start_is_refused(second: Run, first: Run) -> None:
    assert second.until_ended() == 1
    assert second.said.splitlines() == [f"Broker Portal: already running on {first.data_dir} (process {first.process.pid})"]
    assert first.answer() == 200


def commands_find_it(data_dir: Path) -> None:
    command = [sys.executable, "manage.py", "migrate", "--check"]
    subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"], "BROKER_DATA_DIR": str(data_dir)}, check=True, capture_output=True)


def a_killed_web_worker_is_replaced(run: Run) -> None:
    main, worker, _ = run.children("granian")
    run.kill(worker)
    eventually("two workers", lambda: len(run.children("granian")) == 3 and worker not in run.children("granian"))
    assert run.children("granian")[0] == main
    assert run.answer() == 200


def workers_do_not_outlive_their_main_process(run: Run) -> None:
    for program in ("granian", "celery -A broker_portal worker"):
        old = run.children(program)
        assert len(old) == 3

        def replaced(program: str = program, old: Sequence[int] = old) -> bool:
            now = run.children(program)
            return len(now) == 3 and not set(now) & set(old)

        run.kill(old[0])
        eventually(f"{program}: new processes only", replaced)
    eventually("the portal ready", lambda: run.answer("/readyz") == 200)


def a_killed_program_is_started_again(run: Run, program: str) -> None:
    killed = run.children(program)[0]
    run.kill(killed)
    eventually(f"{program}: running again", lambda: bool(set(run.children(program)) - {killed}))
    eventually("the portal ready", lambda: run.answer("/readyz") == 200)


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_recovers(start: Start) -> None:
    run = start()
    run.until_running()
    run.kill(run.process.pid)
    run.until_ended()
    run.until_nothing_runs()
    again = start(port=run.port)
    again.until_running()
    assert again.answer("/readyz") == 200


def test_everything_killed_at_once_and_started_at_once(start: Start) -> None:
    """What a zombie or a stale lock file says must not be believed."""
    run = start()
    run.until_running()
    run.kill(*run.processes())
    again = start(port=run.port)
    run.until_ended()
    again.until_running()
    assert again.answer() == 200


def test_a_supervisor_and_postmaster_killed_together(start: Start) -> None:
    run = start()
    run.until_running()
    run.kill(run.process.pid, run.postmaster)
    again = start(port=run.port)
    run.until_ended()
    again.until_running()
    assert again.answer() == 200


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_make_that_started_it(start: Start, number: int) -> None:
    """make passes on a SIGTERM, but neither a kill -9 nor an interrupt that reached make alone."""
    run = start(command=MAKE)
    run.until_running()
    run.process.send_signal(number)
    run.until_ended()
    run.until_nothing_runs()
