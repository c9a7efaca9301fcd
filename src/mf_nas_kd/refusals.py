"""What an exception, of whatever package, means to a person: one line, and an exit status."""

from __future__ import annotations

import click

from mf_nas_kd.errors import MfNasKdError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses: an error; the command line names something that does not exist; Ctrl-C."""


def explained(error: BaseException) -> tuple[str, int]:
    """The line that explains an error, and the exit status."""
    if isinstance(error, click.UsageError):
        return _one_line(error.format_message()), USAGE
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what finished is stored; run the same command to go on", INTERRUPTED
    if isinstance(error, MfNasKdError):
        return _one_line(error), FAILURE
    return f"unexpected {type(error).__name__}: {_one_line(error)}; run again with --verbose for the traceback", FAILURE


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
