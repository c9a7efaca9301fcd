"""A real PostgreSQL server, where its programs are installed."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_numbers = itertools.count()


def programs():
    """Folders with the programs of the server, the newest last; empty where there are none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return debian or [Path(found).parent for found in [shutil.which("initdb")] if found]


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

    @classmethod
    @contextlib.contextmanager
    def running(cls):
        """A server on a new folder, as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="pg") as folder:
            server = cls(programs()[-1], folder)
            server.start()
            try:
                yield server
            finally:
                server.stop()

    def new_database(self):
        """Make a database of its own; returns its URL."""
        name = f"study{next(_numbers)}"
        with psycopg.connect(f"postgresql://{self.address}", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.removesuffix("postgres") + name

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


def _wait_for(server, url):
    """It listens a moment before it answers: the first answer counts."""
    deadline = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not answer")
