"""A real PostgreSQL server for the length of the tests, where its programs are installed."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest


class Server:
    """PostgreSQL on a folder of its own."""

    def __init__(self, programs, folder):
        # The server refuses to run as root; Debian's package has made a user for it.
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        if as_user:
            shutil.chown(folder, "postgres")
        data = ["-D", f"{folder}/data"]
        subprocess.run(
            [*as_user, programs / "initdb", *data, "-A", "trust", "-U", "postgres"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        self._folder = folder
        self._command = [*as_user, programs / "postgres", *data, "-h", "127.0.0.1", "-p", port, "-k", folder]
        self._stop = [*as_user, programs / "pg_ctl", *data, "-m", "fast", "-w", "stop"]
        self.address = f"postgres@127.0.0.1:{port}/postgres"
        self.url = f"postgresql+psycopg://{self.address}"

    def start(self):
        self._process = subprocess.Popen(
            self._command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for(self._process, f"postgresql://{self.address}")

    def stop(self):
        subprocess.run(self._stop, check=True, capture_output=True, cwd=self._folder)
        self._process.wait()

    def end_connections(self):
        """End the server's side of all connections but this one."""
        with psycopg.connect(f"postgresql://{self.address}") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def postgresql():
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(p).parent for p in [shutil.which("initdb")] if p
    ]
    if not programs:
        pytest.skip("no PostgreSQL here (Debian's package postgresql, which .ci/run installs)")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = Server(programs[-1], folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgresql_url(postgresql):
    return postgresql.url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request, tmp_path):
    """A store on a file of its own, or on the server, which keeps what other tests have stored."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


def _wait_for(server, url):
    """It listens a moment before it answers: the first answer counts."""
    deadline = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not answer")
