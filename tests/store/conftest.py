"""A real PostgreSQL server for the length of the tests, where its programs are installed."""

import pytest

from tests.postgresql import Server, programs


@pytest.fixture(scope="session")
def postgresql():
    if not programs():
        pytest.skip("no PostgreSQL here (Debian's package postgresql, which .ci/run installs)")
    with Server.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql):
    return postgresql.url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request, tmp_path):
    """A store on a file of its own, or on the server, which keeps what other tests have stored."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
