"""The command ``find``: from a folder of images to a network.

``request`` is what the user asks for, ``facts`` are measured on this machine, ``plan_file`` keeps the plan,
``sessions`` run its pipelines, ``result`` says where the network is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from mf_nas_kd.cores import default_workers
from mf_nas_kd.device import choose_device
from mf_nas_kd.find.facts import measured_facts
from mf_nas_kd.find.plan_file import PLAN, KnownPlan, is_edited, known_plan, write_plan
from mf_nas_kd.find.request import Request
from mf_nas_kd.find.result import lines_of_result
from mf_nas_kd.find.sessions import environment_parameters, loaded, log_into, run_pipelines
from mf_nas_kd.images import SubsetOrder
from mf_nas_kd.paths import is_project
from mf_nas_kd.planning import sentences
from mf_nas_kd.planning.choices import ImageChoices, image_choices
from mf_nas_kd.planning.plan import make_plan
from mf_nas_kd.planning.quantities import duration
from mf_nas_kd.planning.survey import survey_folder
from mf_nas_kd.progress import study_progress
from mf_nas_kd.project import create_project, study_name

__all__ = ["Request", "find"]

logger = logging.getLogger(__name__)

Say = Callable[[str], None]


def find(request: Request, say: Say) -> None:
    """Plan a study of a folder of images, run it, and say where the network is.

    Args:
        request: What the user asks for.
        say: Shows a line to the user.

    Raises:
        MissingImagesError: If there are no class folders with images.
        ImpossibleLimitError: If no network is within the limits.
        InvalidValueError: If the folder is the study of other images, or of other wishes.
    """
    folder, images = request.folder, request.images.absolute()
    survey = survey_folder(images)  # refuses what is no folder of images before anything is made
    if not is_project(folder):
        create_project(folder, study_name(images.name), request.command, environments=False)
    known = known_plan(folder, request)
    log_into(folder)
    say(f"Study: {folder}")
    if known is None:
        choices = image_choices(survey, request.wishes, choose_device("auto").type, default_workers())
        known = _planned(folder, images, request, choices, say)
    else:
        say(f"The plan is {PLAN} of the study, made for {known.options or 'no options'}; --replan makes a new one")
        if is_edited(folder, known):
            say("It was edited: what follows, and the time left, are of the plan before.")
    for line in known.lines:
        say(line)
    if request.dry_run:
        say("")
        say(f"Nothing was trained. The plan is in {folder / PLAN}: it may be edited.")
        say("The same command without --dry-run runs it.")
        return
    say("")
    _run(folder, known.seconds)
    for line in lines_of_result(folder):
        say(line)


def _planned(folder: Path, images: Path, request: Request, choices: ImageChoices, say: Say) -> KnownPlan:
    """Read the images, measure this machine, and write the plan."""
    of_images = choices.parameters(environment_parameters(choices.environment), str(images))
    say("Reading the images ...")
    run_pipelines(folder, "data", of_images)
    say("Measuring how fast this machine trains ...")
    catalog, parameters = loaded(folder, of_images)
    facts = measured_facts(
        catalog.load("images"), SubsetOrder(catalog.load("subset_order")), parameters, request.wishes
    )
    plan = make_plan(facts, request.wishes, of_images)
    lines = sentences.description(facts, plan, choices, request.wishes.limits)
    return write_plan(folder, plan, lines, request)


def _run(folder: Path, seconds: Mapping[str, float]) -> None:
    """Run all stages with one bar."""
    with study_progress(seconds, duration, lambda line: logger.info("%s", line)) as progress:
        run_pipelines(folder, "__default__", {})
    logger.info("The study took %s", duration(progress.elapsed_seconds))
