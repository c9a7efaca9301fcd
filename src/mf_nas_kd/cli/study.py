"""The commands that make a study: ``new`` and ``find``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mf_nas_kd.cli.group import Command


@click.command("new", cls=Command)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default=None, help="Name of the study; that of the folder without.")
def new(folder: Path, name: str | None) -> None:
    """Make an empty study in a folder: a Kedro project with all parameters and environments of this program."""
    from mf_nas_kd.project import create_project, study_name  # imports Kedro

    made = folder.absolute()
    create_project(made, name or study_name(made.name), f"mf-nas-kd new {shlex.quote(str(folder))}", environments=True)
    click.echo(f"A Kedro project is in {folder}. There: kedro run --env=image_folder --params=images_dir=/my/images")
