"""What an exception, of whatever package, means to a person: one line, and an exit status."""

from __future__ import annotations

from collections.abc import Iterator

import click
from kedro.config import MissingConfigException
from kedro.io import DatasetError
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from yaml import YAMLError

from mf_nas_kd.errors import CommandLineError, MfNasKdError, printable

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses: an error; the command line names something that does not exist, or cannot be read; Ctrl-C."""

LONGEST_LINE = 2000  # characters


def explained(error: BaseException) -> tuple[str, int]:
    """The line that explains an error, and the exit status.

    >>> explained(KeyError("teacher"))
    ("unexpected KeyError: 'teacher'; run again with --verbose for the traceback", 1)
    """
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "interrupted; what finished is stored; run the same command to go on", INTERRUPTED
    if isinstance(error, click.ClickException):
        return _one_line(error.format_message()), USAGE
    ours = next((each for each in _chain(error) if isinstance(each, MfNasKdError)), None)
    if ours is not None:
        return _one_line(str(ours)), USAGE if isinstance(ours, CommandLineError) else FAILURE
    return _one_line(_of_others(error)), FAILURE


def _of_others(error: BaseException) -> str:
    """The sentence for an error of another package."""
    cause = error.__cause__
    if isinstance(error, DatasetError):  # Kedro's own sentence is the description of a dataset in Python
        return _of_others(cause) if str(error).startswith("Failed while") and cause is not None else str(error)
    if isinstance(error, FileExistsError):
        return f"{error.filename}: a file is where a folder is needed"
    if isinstance(error, OSError) and error.filename is not None:
        names = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        return f"{names}: {error.strerror or type(error).__name__}"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, SQLAlchemyError):
        return f"a database refused: {getattr(error, 'orig', None) or error}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{error.title}: {'.'.join(str(part) for part in first['loc'])} is {first['input']!r}: {first['msg']}"
    if isinstance(error, (YAMLError, OmegaConfBaseException, MissingConfigException)):
        return f"the configuration cannot be read: {error}"
    package = type(error).__module__.partition(".")[0]
    if package == "mlflow":
        return f"MLflow refused: {error} (its address is in conf/base/mlflow.yml, or in MLFLOW_TRACKING_URI)"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"out of memory: {str(error) or 'this machine has too little'}"
    if package == "kedro" or (isinstance(error, ValueError) and _raised_in(error) == "kedro"):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}; run again with --verbose for the traceback"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised from."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _raised_in(error: BaseException) -> str:
    """Name of the package whose code raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, and not longer than ``LONGEST_LINE``."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."
