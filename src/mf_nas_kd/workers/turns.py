"""Turns of tasks: beside each other, or one alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Turns:
    """Lets threads run tasks beside each other, and one alone when it asks for it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._running = 0
        self._alone = False

    @contextmanager
    def turn(self, alone: bool) -> Iterator[None]:
        """Wait for a turn, and hold it within the block.

        Args:
            alone: Whether no other turn may be held meanwhile; turns that are asked for later wait.
        """
        with self._changed:
            if alone:
                self._changed.wait_for(lambda: not self._alone)
                self._alone = True
                self._changed.wait_for(lambda: not self._running)
            else:
                self._changed.wait_for(lambda: not self._alone)
                self._running += 1
        try:
            yield
        finally:
            with self._changed:
                if alone:
                    self._alone = False
                else:
                    self._running -= 1
                self._changed.notify_all()
