"""The errors that this package raises. A message names what is wrong, the value received, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

LONGEST_VALUE = 1000  # most characters of a value in a message


class MfNasKdError(Exception):
    """Base class of every error that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without a call of the constructor, whose arguments are not those of the message."""
        return _without_constructor, (type(self), self.args), self.__dict__


def _without_constructor(kind: type[MfNasKdError], arguments: tuple[Any, ...]) -> MfNasKdError:
    return kind.__new__(kind, *arguments)


class InvalidValueError(MfNasKdError, ValueError):
    """A value is not allowed.

    Args:
        what: Name of the value, as in the configuration (``search.max_macs``).
        received: The value.
        allowed: Description of the allowed values, as the end of the sentence "... must be".

    >>> raise InvalidValueError("search.max_macs", -1, "at least 1")
    Traceback (most recent call last):
    mf_nas_kd.errors.InvalidValueError: search.max_macs is -1, but must be at least 1
    """

    def __init__(self, what: str, received: Any, allowed: str) -> None:
        super().__init__(f"{what} is {shown(received)}, but must be {allowed}")
        self.what, self.received, self.allowed = what, received, allowed

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the value received, which may be anything."""
        construct, arguments, state = super().__reduce__()
        return construct, arguments, {name: value for name, value in state.items() if name != "received"}


class UnknownNameError(InvalidValueError):
    """A name is not in the table of known names.

    Args:
        kind: What the name stands for, as in the configuration (``search.strategy``).
        name: The name received.
        known: The names that are allowed.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        allowed = f"one of: {', '.join(names)}" if names else "left out: there are none"
        super().__init__(kind, name, f"{allowed}{did_you_mean(close_names(name, names))}")


class CommandLineError(MfNasKdError):
    """The command line names something that does not exist, or cannot be read."""


class UnknownArgumentError(UnknownNameError, CommandLineError):
    """The value of an option of the command line is not in the table of known names."""


class ConfigurationFileError(MfNasKdError):
    """A file of the configuration cannot be read."""


class ShapeMismatchError(InvalidValueError):
    """A tensor does not have the shape that was declared for it."""


class MissingImagesError(MfNasKdError):
    """Images that the configuration names do not exist, or cannot be read."""


class MissingWeightsError(MfNasKdError):
    """A file of weights does not exist, or cannot be read as weights."""


class ImpossibleLimitError(MfNasKdError, ValueError):
    """No architecture of the space is within the limits of cost, or no evaluation is within the budget."""


class TrackingError(MfNasKdError):
    """MLflow, which a command needs, does not work."""


class StoreError(MfNasKdError):
    """The evaluation store is damaged, belongs to another program, or was written by another version of this one."""


class TrainingFailedError(MfNasKdError):
    """A training cannot go on: its loss or accuracy is not finite, or it repeatedly ended by a fault of its worker."""


class MachineFaultError(MfNasKdError):
    """A task failed of its machine: memory, device, disk, a time limit, or the end of its worker.

    Args:
        reason: What happened.
        may_be_the_tasks: Whether the task itself may be the cause, as a network that needs too much memory is; a full
            disk is no task's.
    """

    def __init__(self, reason: str, may_be_the_tasks: bool) -> None:
        super().__init__(reason)
        self.may_be_the_tasks = may_be_the_tasks


class WorkerStartError(MfNasKdError):
    """Worker processes cannot be started."""


class SchedulerError(MfNasKdError):
    """The connection to the scheduler of the workers cannot be made, or was lost."""


class MissingEvaluationError(MfNasKdError):
    """The store lacks evaluations that a later stage needs."""


class BenchmarkFileError(MfNasKdError):
    """A file of a benchmark does not exist, is damaged, or has other contents."""


class MissingTeacherError(MfNasKdError):
    """A training distils a teacher, and there is none."""


class MissingPackageError(MfNasKdError, ImportError):
    """A package of an optional extra is needed and not installed."""


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Those known names that may have been meant by one that is not known, the closest first.

    >>> close_names("stratgy", ["strategy", "seed"])
    ['strategy']
    """
    return get_close_matches(str(name), [str(other) for other in known], n=2, cutoff=0.6)


def did_you_mean(names: Iterable[str]) -> str:
    """The question at the end of a message, or nothing without names."""
    listed = list(names)[:3]
    return f"; did you mean {' or '.join(listed)}?" if listed else ""


def shown(value: Any) -> str:
    """The value as Python writes it; the middle of a long text is left out."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer with more digits than Python converts to text; deep nesting
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE // 2]} ... {text[-LONGEST_VALUE // 4 :]}"


def printable(text: str) -> str:
    r"""The text with characters that cannot be shown written as Python does; line breaks stay.

    >>> print(printable("a\x00b"))
    a\x00b
    """
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
