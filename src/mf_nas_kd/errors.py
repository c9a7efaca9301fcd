"""The one family of errors. A message says what is wrong, the value received, and what is allowed."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from typing import Any

LONGEST_VALUE = 1000  # characters of a value in a message


class MfNasKdError(Exception):
    """Base of every error that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """An error of a worker process arrives with its message, whatever its constructor takes."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__


class InvalidValueError(MfNasKdError, ValueError):
    """A value is outside of what is allowed.

    Args:
        what: What the value is for, in the words of the configuration (``search.max_macs``).
        received: The value.
        allowed: What would have been accepted, as the end of the sentence "... must be".
    """

    def __init__(self, what: str, received: Any, allowed: str) -> None:
        super().__init__(f"{what} is {_shown(received)}, but must be {allowed}")


class UnknownNameError(InvalidValueError):
    """A name is not in the table of its room."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, f"one of: {', '.join(sorted(known))}")


class ShapeMismatchError(InvalidValueError):
    """A tensor does not have the shape that was declared for it."""


class MissingImagesError(MfNasKdError):
    """Images that were asked for are not there, or cannot be read."""


class MissingWeightsError(MfNasKdError):
    """A file of weights is not there, or is not one."""


class ImpossibleLimitError(MfNasKdError, ValueError):
    """No architecture of the space is within the limits, or no evaluation is within the budget."""


class StoreError(MfNasKdError):
    """The evaluation store is damaged, foreign, or from another version of the program."""


class TrainingFailedError(MfNasKdError):
    """A training cannot go on: its loss or accuracy is not finite, or its worker died repeatedly."""


class WorkerStartError(MfNasKdError):
    """Worker processes cannot be started."""


class SchedulerError(MfNasKdError):
    """The scheduler of the workers does not answer, or was lost."""


class MissingEvaluationError(MfNasKdError):
    """The store lacks evaluations that a later stage needs."""


class BenchmarkFileError(MfNasKdError):
    """A file of a benchmark is not there, is damaged, or holds something else."""


class MissingTeacherError(MfNasKdError):
    """A training is to imitate a teacher, and there is none."""


class MissingPackageError(MfNasKdError, ImportError):
    """A package of an optional extra is asked for and not installed."""


def _shown(value: Any) -> str:
    """The value as Python writes it, without the middle where this is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE // 2]} ... {text[-LONGEST_VALUE // 4 :]}"
