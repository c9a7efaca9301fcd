"""A real browser: the system's Chromium, by playwright. Without it the tests of this folder skip, and say so."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SERVER_SECONDS = 120
PAGE_MILLISECONDS = 180_000  # what a page may take on a busy machine


@pytest.fixture(scope="session")
def chromium():
    """The browser; pages that a test opens are its own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no Chromium is installed ({', '.join(PROGRAMS)}): apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])  # root has no sandbox
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens an address: ``open_page(address, viewport=PHONE, color_scheme="dark")``.

    The page is offline where the address is a file. What a page reports as an error fails the test at its end.
    """
    contexts, errors = [], []

    def opened(address, viewport=DESKTOP, **options):
        contexts.append(chromium.new_context(viewport=viewport, offline=address.startswith("file:"), **options))
        contexts[-1].set_default_timeout(PAGE_MILLISECONDS)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not errors, f"the pages reported errors: {errors}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(command, address, **options) -> Iterator[str]:
    """Run a server, and the processes that it starts, for as long as the block, from when it answers at its address."""
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, **options}
    process = subprocess.Popen(command, **options)
    try:
        end = time.monotonic() + SERVER_SECONDS
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, f"{command[0]} ended with status {process.returncode}"
                assert time.monotonic() < end, f"{command[0]} does not answer at {address}"
                time.sleep(0.2)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
