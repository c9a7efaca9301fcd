"""Commands of the project, for ``kedro <command>``, ``mf-nas-kd <command>`` and ``python -m mf_nas_kd <command>``.

A command is a function with the decorator ``@cli.command()``: it gets ``--verbose``, and whatever it raises is one line
on stderr and an exit status (:mod:`mf_nas_kd.refusals`).
"""

from __future__ import annotations

import copy
import itertools
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import _split_params, split_string
from kedro.framework.project import configure_logging, configure_project
from kedro.utils import find_kedro_project

from mf_nas_kd.errors import CommandLineError, UnknownArgumentError
from mf_nas_kd.parameters import RUNTIME_ONLY, all_pipelines, pipeline_names, unreadable
from mf_nas_kd.paths import name_logging_file, project_folder
from mf_nas_kd.quiet import silence_logs
from mf_nas_kd.refusals import explained

logger = logging.getLogger(__name__)

OWN_OPTIONS = {"--help", "-h"}
"""Options of ``mf-nas-kd`` itself; all others are options of ``run``."""

RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")

NAMING = {
    "node_names": ("--nodes", "nodes"),
    "from_nodes": ("--from-nodes", "nodes"),
    "to_nodes": ("--to-nodes", "nodes"),
    "tags": ("--tags", "tags"),
    "from_inputs": ("--from-inputs", "entries"),
    "to_outputs": ("--to-outputs", "entries"),
    "load_versions": ("--load-versions", "entries"),
}
"""Arguments of ``run`` that name parts of pipelines: the option, and what it names."""


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


def _parameters(context: click.Context, option: click.Parameter, text: Any) -> Any:
    """Read ``--params`` as Kedro does; paths are taken as they are written, and no name may be given twice."""
    parsed = _split_params(context, option, text)
    if not isinstance(text, str):
        return parsed
    pairs = [item.partition("=") for item in split_string(context, option, text)]
    names = [name.strip() for name, _, _ in pairs]
    for first, second in itertools.combinations(names, 2):
        if second == first or second.startswith(f"{first}.") or first.startswith(f"{second}."):
            context.fail(f"--params gives {first} and {second}: each parameter once, and as a whole or in parts")
    written = {name: value for name, (_, _, value) in zip(names, pairs, strict=True)}
    return {**parsed, **{name: written[name] for name in RUNTIME_ONLY & written.keys()}}


def _require_environment(conf: Path, environment: str | None) -> None:
    """Refuse an environment that has no folder in the configuration."""
    if not conf.is_dir():
        raise CommandLineError(f"there is no configuration in {conf}: run the command in the project, or --conf-source")
    there = sorted(folder.name for folder in conf.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if environment and environment not in there:
        raise UnknownArgumentError("--env", environment, there)


def _require_names(options: Mapping[str, Any], chosen: Iterable[str]) -> None:
    """Refuse nodes, tags and catalog entries that the chosen pipelines do not have."""
    if not any(options[option] for option in NAMING):
        return
    stages = all_pipelines()
    nodes = [node for name in chosen for node in stages[name].nodes]
    known = {
        "nodes": {node.name for node in nodes},
        "tags": {tag for node in nodes for tag in node.tags},
        "entries": {entry for node in nodes for entry in (*node.inputs, *node.outputs)},
    }
    for option, (name, kind) in NAMING.items():
        for value in options[option] or ():
            if value not in known[kind]:
                raise UnknownArgumentError(name, value, known[kind])


def _project() -> Path:
    """The project of the current folder, or the one that this program belongs to."""
    return find_kedro_project(Path.cwd()) or project_folder()


def _configure() -> None:
    """Read the project's settings, and log as ``conf/logging.yml`` says: Kedro searches it in the current folder only.

    Settings import torch and MLflow, which takes seconds: only commands that run pipelines need them.
    """
    configure_project("mf_nas_kd")
    if not Path("conf/logging.yml").is_file() and name_logging_file():
        configure_logging(yaml.safe_load(Path(os.environ["KEDRO_LOGGING_CONFIG"]).read_text(encoding="utf-8")))


def _end_tracking(status: str) -> None:
    """End MLflow's run where Kedro does not: it ends as finished otherwise, with this process."""
    from mf_nas_kd import tracking  # imports MLflow, which takes seconds

    try:
        tracking.end_run(status)
    except Exception as failure:
        logger.warning("MLflow's run could not be ended as %s: %s", status, failure)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within the block, SIGTERM and SIGHUP interrupt as Ctrl-C does: batch systems and closed terminals send them."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(**options: Any) -> Any:
    """Run pipelines, after what the command line names has been looked up."""
    if options["pipeline"] and not options["pipelines"]:  # Kedro warns of this spelling
        options["pipelines"], options["pipeline"] = [options["pipeline"]], None
    names = options["pipelines"]
    for name in names:
        if name not in [*pipeline_names(), "__default__"]:
            raise UnknownArgumentError("--pipelines", name, [*pipeline_names(), "__default__"])
    conf = Path(options["conf_source"] or _project() / "conf")
    environment = options["env"] or os.environ.get("KEDRO_ENV")
    if "://" not in str(conf) and not conf.is_file():  # neither remote nor an archive
        _require_environment(conf, environment)
        options["conf_source"] = str(conf)
    _require_names(options, names if names and "__default__" not in names else pipeline_names())
    if options["runner"] and "." not in options["runner"] and options["runner"] not in RUNNERS:
        raise UnknownArgumentError("--runner", options["runner"], RUNNERS)
    _configure()
    silence_logs()
    try:
        with _ended_by_signals():
            return kedro_run.callback(**options)  # type: ignore[misc]  # every command of Kedro has one
    except BaseException as failure:
        _end_tracking("FAILED" if isinstance(failure, Exception) else "KILLED")
        culprit = unreadable(conf, environment) if isinstance(failure, Exception) else None
        if culprit is None:
            raise
        raise culprit from failure


def _options_of_run() -> list[click.Parameter]:
    """Kedro's options of ``run``; ``--params`` is read here."""
    options = [copy.copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params":
            option.callback = _parameters
    return options


run = Command("run", params=_options_of_run(), callback=_run, help="Run the flow, or some of its pipelines.")
cli.add_command(run)


@cli.command("log-missing")
@click.option("--env", "-e", default=None, help="Environment of the configuration, as for run.")
@click.option("--params", default="", callback=_parameters, help="Parameters, as for run.")
def _log_missing(env: str | None, params: dict[str, Any]) -> None:
    """Log those evaluations of the study to MLflow that it lacks."""
    from mf_nas_kd.log_missing import log_missing  # imports MLflow, which takes seconds

    _require_environment(_project() / "conf", env)
    _configure()
    silence_logs()
    logger.info("%d evaluations were not in MLflow and have been logged", log_missing(_project(), env, params))


@cli.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", help="csv, or a JSON line a file.")
@click.option("--top", type=click.IntRange(min=1), default=1, help="Number of classes of each image.")
@click.pass_context
def _predict(context: click.Context, model: Path, images: tuple[Path, ...], form: str, top: int) -> None:
    """Name the classes of image files, by an exported model (model.onnx or model_int8.onnx).

    A file that is no image is a line on stderr, and the exit status is 1 at the end; the others are classified.
    """
    from mf_nas_kd.export.predict import Classifier, as_csv, as_json, predictions  # imports onnxruntime

    refused, header = 0, True
    for found in predictions(Classifier(model), images, top):
        if isinstance(found, str):
            click.echo(found, err=True)
            refused += 1
            continue
        click.echo(as_json(found) if form == "json" else as_csv(found, header), nl=False)
        header = False
    if refused:
        context.exit(1)


@cli.command("measure")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--pack", type=click.Path(path_type=Path, file_okay=False), help="Write the search pool into this folder."
)
@click.option("--read", type=click.Path(path_type=Path, dir_okay=False), help="Read its measured.csv.")
@click.option("--env", "-e", default=None, help="Environment of the configuration, as for run.")
@click.option("--params", default="", callback=_parameters, help="Parameters, as for run.")
def _measure(
    models: tuple[Path, ...], pack: Path | None, read: Path | None, env: str | None, params: dict[str, Any]
) -> None:
    """Measure ONNX models here, or write the search pool for another device and read its measurements."""
    from mf_nas_kd import measure  # imports onnxruntime

    if (bool(models), pack is not None, read is not None).count(True) != 1:
        raise CommandLineError("measure takes models, or --pack, or --read: one of them")
    for line in measure.measured_models(models):
        click.echo(line)
    if models:
        return
    _require_environment(_project() / "conf", env)
    _configure()
    silence_logs()
    if pack is not None:
        count = measure.write_study_pack(_project(), env, params, pack)
        click.echo(f"{count} models are in {pack}: copy it to the device, and run there: python measure.py NAME")
    if read is not None:
        for name in sorted(measure.read_into_store(_project(), env, params, read)):
            click.echo(f"A search knows this device as: --params='search.device={name}'")
