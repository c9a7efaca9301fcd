"""A real PostgreSQL server for the length of the tests, where its programs are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

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
            _wait_for(int(port))
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait()


def _wait_for(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1)  # it listens a moment before it answers
                return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not listen")
