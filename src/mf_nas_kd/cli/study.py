"""The commands that make a study: ``new`` and ``find``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from kedro.framework.project import configure_project

from mf_nas_kd.cli.group import Command
from mf_nas_kd.cli.run import ended_properly
from mf_nas_kd.planning.quantities import count_of, seconds_of
from mf_nas_kd.planning.wishes import SMALLEST_SIZE, Wishes
from mf_nas_kd.quiet import silence_logs


@click.command("new", cls=Command)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default=None, help="Name of the study; that of the folder without.")
def new(folder: Path, name: str | None) -> None:
    """Make an empty study in a folder: a Kedro project with all parameters and environments of this program."""
    from mf_nas_kd.project import create_project, study_name  # imports Kedro

    made = folder.absolute()
    create_project(made, name or study_name(made.name), f"mf-nas-kd new {shlex.quote(str(folder))}", environments=True)
    click.echo(f"A Kedro project is in {folder}. There: kedro run --env=image_folder --params=images_dir=/my/images")


@click.command("find", cls=Command)
@click.argument("images", type=click.Path(path_type=Path, file_okay=False))
@click.option("--study", type=click.Path(path_type=Path, file_okay=False), help="Folder of the study [NAME-study].")
@click.option("--budget", metavar="TIME", help="Time of the whole study, such as 20m, 1h30m or 2d.")
@click.option("--max-macs", metavar="N", help="Most multiply-accumulates of one image, such as 5M.")
@click.option("--max-params", metavar="N", help="Most parameters, such as 200k.")
@click.option("--max-latency-ms", type=click.FloatRange(0, min_open=True), help="Longest latency on this machine.")
@click.option("--image-size", type=click.IntRange(SMALLEST_SIZE, 1024), help="Height and width in pixels.")
@click.option("--mirror/--no-mirror", default=True, help="Whether mirrored images show the same thing [they do].")
@click.option("--dry-run", is_flag=True, help="Show and save the plan; train nothing.")
@click.option("--replan", is_flag=True, help="Make a new plan for a study that has one.")
def find(
    images: Path,
    study: Path | None,
    budget: str | None,
    max_macs: str | None,
    max_params: str | None,
    max_latency_ms: float | None,
    image_size: int | None,
    mirror: bool,
    dry_run: bool,
    replan: bool,
) -> None:
    """Find the best small network for the images of a folder with one folder per class.

    Says what was found and how long the study takes, runs it, and ends with the path of the network and its accuracy.
    The same command goes on with a study that was interrupted.
    """
    wishes = Wishes(
        max_macs=None if max_macs is None else count_of(max_macs, "--max-macs"),
        max_params=None if max_params is None else count_of(max_params, "--max-params"),
        max_latency_ms=max_latency_ms,
        budget_seconds=None if budget is None else seconds_of(budget, "--budget"),
        image_size=image_size,
        mirror=mirror,
    )
    configure_project("mf_nas_kd")
    silence_logs()
    from mf_nas_kd import find as finding  # imports torch and MLflow, which takes seconds

    command = shlex.join(["mf-nas-kd", *sys.argv[1:]])
    request = finding.Request(images, study, wishes, dry_run, replan, command)
    with ended_properly(request.folder / "conf", None):
        finding.find(request, click.echo)
