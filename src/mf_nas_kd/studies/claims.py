"""Claims of a run on the evaluations that it is making, so that two runs of a study do not make the same ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event, Thread
from types import TracebackType
from typing import Self
from uuid import uuid4

from mf_nas_kd.errors import StoreError
from mf_nas_kd.store import EvaluationStore

logger = logging.getLogger(__name__)

CLAIM_SECONDS = 60.0
"""A run that was killed keeps others waiting for so long."""

RENEWALS = 4
"""Number of renewals within ``CLAIM_SECONDS``."""


class Claims:
    """Context manager: claims that are renewed by a thread, and released at the end.

    Args:
        store: Store of the study.
    """

    def __init__(self, store: EvaluationStore) -> None:
        self._store = store
        self._owner = uuid4().hex
        self._closed = Event()
        self._thread = Thread(target=self._renew, name="renewal of claims", daemon=True)

    def take(self, keys: Sequence[str]) -> set[str]:
        """Claim keys; returns those that no other run holds.

        Raises:
            StoreError: If the database cannot be used.
        """
        return self._store.claim(keys, self._owner, CLAIM_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        if isinstance(error, StoreError):  # the database was tried for long enough: the claims expire
            return
        self._thread.join()
        try:
            self._store.release(self._owner)
        except StoreError as failure:  # they expire
            logger.debug("Claims were not released: %s", failure)

    def _renew(self) -> None:
        while not self._closed.wait(CLAIM_SECONDS / RENEWALS):
            try:
                self._store.renew(self._owner, CLAIM_SECONDS)
            except StoreError as failure:  # the driver meets the same failure when it stores a result, and reports it
                logger.debug("Claims were not renewed: %s", failure)
