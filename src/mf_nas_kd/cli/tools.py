"""The commands beside ``run``: each does one thing with a study or with a network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from mf_nas_kd.cli.configured import configure, read_parameters, require_environment
from mf_nas_kd.cli.group import Command
from mf_nas_kd.errors import CommandLineError
from mf_nas_kd.paths import project_folder
from mf_nas_kd.quiet import silence_logs

logger = logging.getLogger(__name__)


@click.command("log-missing", cls=Command)
@click.option("--env", "-e", default=None, help="Environment of the configuration, as for run.")
@click.option("--params", default="", callback=read_parameters, help="Parameters, as for run.")
def log_missing(env: str | None, params: dict[str, Any]) -> None:
    """Log those evaluations of the study to MLflow that it lacks."""
    from mf_nas_kd import log_missing as missing  # imports MLflow, which takes seconds

    require_environment(project_folder() / "conf", env)
    configure()
    silence_logs()
    logger.info(
        "%d evaluations were not in MLflow and have been logged", missing.log_missing(project_folder(), env, params)
    )


@click.command("predict", cls=Command)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", help="csv, or a JSON line a file.")
@click.option("--top", type=click.IntRange(min=1), default=1, help="Number of classes of each image.")
@click.pass_context
def predict(context: click.Context, model: Path, images: tuple[Path, ...], form: str, top: int) -> None:
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


@click.command("measure", cls=Command)
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--pack", type=click.Path(path_type=Path, file_okay=False), help="Write the search pool into this folder."
)
@click.option("--read", type=click.Path(path_type=Path, dir_okay=False), help="Read its measured.csv.")
@click.option("--env", "-e", default=None, help="Environment of the configuration, as for run.")
@click.option("--params", default="", callback=read_parameters, help="Parameters, as for run.")
def measure(
    models: tuple[Path, ...], pack: Path | None, read: Path | None, env: str | None, params: dict[str, Any]
) -> None:
    """Measure ONNX models here, or write the search pool for another device and read its measurements."""
    from mf_nas_kd import measure as measuring  # imports onnxruntime

    if (bool(models), pack is not None, read is not None).count(True) != 1:
        raise CommandLineError("measure takes models, or --pack, or --read: one of them")
    for line in measuring.measured_models(models):
        click.echo(line)
    if models:
        return
    require_environment(project_folder() / "conf", env)
    configure()
    silence_logs()
    if pack is not None:
        count = measuring.write_study_pack(project_folder(), env, params, pack)
        click.echo(f"{count} models are in {pack}: copy it to the device, and run there: python measure.py NAME")
    if read is not None:
        for name in sorted(measuring.read_into_store(project_folder(), env, params, read)):
            click.echo(f"A search knows this device as: --params='search.device={name}'")
