"""Commands of the project, for ``kedro <command>``, ``mf-nas-kd <command>`` and ``python -m mf_nas_kd <command>``.

A command is a function with the decorator ``@cli.command()``: it gets ``--verbose``, and whatever it raises is one line
on stderr and an exit status (:mod:`mf_nas_kd.refusals`).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from mf_nas_kd.refusals import explained

OWN_OPTIONS = {"--help", "-h"}
"""Options of ``mf-nas-kd`` itself; all others are options of ``run``."""


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
def _explained_errors(context: click.Context | None = None) -> Iterator[None]:
    """Turn whatever the block raises into a :class:`Refusal`."""
    try:
        yield
    except (Refusal, click.exceptions.Exit):
        raise
    except (Exception, KeyboardInterrupt) as error:
        if context is not None and context.meta.get(__name__):
            traceback.print_exc(file=sys.stderr)
        raise Refusal(*explained(error)) from error


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
        with _explained_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _explained_errors(ctx):
            return super().invoke(ctx)


class Commands(click.Group):
    """The commands; without the name of one, the arguments are those of ``run``."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_run = not args or (args[0].startswith("-") and args[0] not in OWN_OPTIONS)
        return super().parse_args(ctx, ["run", *args] if is_run else args)

    def invoke(self, ctx: click.Context) -> Any:
        with _explained_errors(ctx):
            return super().invoke(ctx)


@click.group(name="mf-nas-kd", cls=Commands, context_settings={"help_option_names": sorted(OWN_OPTIONS)})
def cli() -> None:
    """The best small CNN for your own images, within a budget."""


def _run(**options: Any) -> Any:
    return kedro_run.callback(**options)  # type: ignore[misc]  # every command of Kedro has one


run = Command("run", params=[*kedro_run.params], callback=_run, help="Run the flow, or some of its pipelines.")
cli.add_command(run)
