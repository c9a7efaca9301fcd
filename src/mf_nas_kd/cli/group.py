"""The group of commands, and what an error looks like to a person."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from mf_nas_kd.refusals import explained

logger = logging.getLogger(__name__)

HELP_OPTIONS = ("--help", "-h")


class Refusal(click.ClickException):
    """An error as a person sees it: one line on stderr, and an exit status.

    Args:
        message: The line.
        status: 2 where the command line names something that does not exist, 130 after an interruption, else 1.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]  # of this error, not of its class

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


@contextmanager
def explained_errors(context: click.Context | None = None) -> Iterator[None]:
    """Turn whatever the block raises into a :class:`Refusal`."""
    try:
        yield
    except (Refusal, click.exceptions.Exit):
        raise
    except (Exception, KeyboardInterrupt) as error:
        message, status = explained(error)
        if context is not None and context.meta.get(__name__):
            traceback.print_exc(file=sys.stderr)
        _log_into_files(message)
        raise Refusal(message, status) from error


def _log_into_files(message: str) -> None:
    """Log the error that is being handled, with its traceback, into those files that ``logging.yml`` names."""
    handlers = {*logging.getLogger().handlers, *logging.getLogger("mf_nas_kd").handlers}
    record = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, "%s", (message,), sys.exc_info())
    for handler in handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _remember_verbose(context: click.Context, _option: click.Parameter, verbose: bool) -> None:
    context.meta[__name__] = verbose


class Command(click.Command):
    """A command with the option ``--verbose``, whose errors are one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        option: dict[str, Any] = {
            "is_flag": True,
            "is_eager": True,
            "expose_value": False,
            "callback": _remember_verbose,
        }
        self.params.append(click.Option(["--verbose", "-v"], help="Show the traceback of an error.", **option))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with explained_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with explained_errors(ctx):
            return super().invoke(ctx)


class Commands(click.Group):
    """The commands; options without the name of one are those of ``run``, and without any argument there is help."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_run = bool(args) and args[0].startswith("-") and args[0] not in HELP_OPTIONS
        return super().parse_args(ctx, ["run", *args] if is_run else args or [HELP_OPTIONS[0]])

    def invoke(self, ctx: click.Context) -> Any:
        with explained_errors(ctx):
            return super().invoke(ctx)
