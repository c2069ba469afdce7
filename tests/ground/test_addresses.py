"""Where commands look for the embedded parts: derived from the data directory alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from broker_portal.embedded import addresses
from broker_portal.embedded.accounts import Account
from broker_portal.embedded.postgres import Cluster, create_database
from broker_portal.embedded.processes import Refused
from broker_portal.embedded.programs import ROOT


def test_sockets_lie_in_the_data_directory_where_their_paths_fit() -> None:
    assert addresses.socket_directory(Path("/srv/broker")) == Path("/srv/broker/run")
    app, owner = addresses.default_urls(Path("/srv/broker"))
    assert app == "postgresql://broker_app@/broker?host=/srv/broker/run"
    assert owner == "postgresql://broker_owner@/broker?host=/srv/broker/run"


@pytest.mark.parametrize("name", ["x" * 100, "with,comma", 'with"quote', "50%"])
def test_other_directories_get_a_short_place_of_their_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = addresses.socket_directory(Path("/srv") / name)
    assert place.parent == Path("/tmp")
    assert place != addresses.socket_directory(Path("/srv") / (name + "2"))
    # A command in another shell looks in the same place.
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert place == addresses.socket_directory(Path("/srv") / name)


def test_addresses_need_nothing_installed_and_without_a_queue_program_messages_are_files() -> None:
    code = "from pathlib import Path; from broker_portal import embedded; print(embedded.default_queue_url(Path('/srv/broker')))"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/nonexistent"}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "filesystem://"


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    code = f"from pathlib import Path; from broker_portal import embedded; print(embedded.secret_file(Path({str(path)!r})))"
    together = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    secrets = {process.communicate()[0].strip() for process in together}
    assert secrets == {path.read_text()}
    assert len(path.read_text()) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("name", ["blank space", "y" * 100, "a,b"])
def test_a_cluster_runs_wherever_the_data_directory_lies(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name
    data_dir.mkdir()
    cluster = Cluster(data_dir)
    cluster.start()
    try:
        create_database(data_dir)
        for url, owner in zip(addresses.default_urls(data_dir), (False, True), strict=True):
            with psycopg.connect(url) as connection:
                role = connection.execute(
                    "SELECT rolsuper, rolbypassrls, rolcreaterole, pg_get_userbyid(datdba) = rolname FROM pg_roles, pg_database"
                    " WHERE rolname = current_user AND datname = current_database()"
                ).fetchone()
                assert role == (False, False, False, owner)
    finally:
        cluster.ask_to_stop()
        cluster.finish()
        shutil.rmtree(addresses.distant_directory(data_dir), ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend PostgreSQL another account")
@pytest.mark.parametrize("closed", [True, False])
def test_root_without_namespaces_runs_it_as_nobody_and_still_finds_it(tmp_path: Path, closed: bool) -> None:
    """A plain container: behind a closed directory the files move to where nobody may walk, else they stay in place."""
    place = Path("/root" if closed else "/tmp") / f"broker-nobody-{os.getpid()}"
    account = Account("nobody", home=Path("/tmp") / f"broker-home-{os.getpid()}")
    place.mkdir(mode=0o700)
    try:
        for _ in ("first start", "second start"):
            cluster = Cluster(place, account=account)
            cluster.start()
            create_database(place)
            psycopg.connect(addresses.default_urls(place)[0]).close()
            cluster.ask_to_stop()
            cluster.finish()
        assert (place / "postgres").is_symlink() is closed
    finally:
        subprocess.run(["rm", "-rf", place, account.home, addresses.distant_directory(place)], check=True)


def test_a_socket_directory_that_somebody_else_took_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of somebody else")
    data_dir = tmp_path / ("z" * 100)
    data_dir.mkdir()
    taken = addresses.distant_directory(data_dir)
    taken.mkdir()
    os.chown(taken, 4711, 4711)
    try:
        with pytest.raises(Refused, match="somebody else"):
            Cluster(data_dir).start()
    finally:
        taken.rmdir()
