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


@pytest.fixture(scope="session")
def postgresql_url():
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(p).parent for p in [shutil.which("initdb")] if p
    ]
    if not programs:
        pytest.skip("no PostgreSQL here (Debian's package postgresql, which .ci/run installs)")
    # The server refuses to run as root; Debian's package has made a user for it.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        if as_user:
            shutil.chown(folder, "postgres")
        initdb = [*as_user, programs[-1] / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "postgres"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        command = [
            *as_user,
            programs[-1] / "postgres",
            "-D",
            f"{folder}/data",
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-k",
            folder,
        ]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"postgres@127.0.0.1:{port}/postgres"
            _wait_for(server, f"postgresql://{address}")
            yield f"postgresql+psycopg://{address}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(server, url):
    """It listens a moment before it answers: the first answer counts."""
    deadline = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not answer")
