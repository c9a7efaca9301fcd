"""The command ``find``: from a folder of images to a network."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import yaml
from kedro.framework.project import configure_logging
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogProtocol
from kedro.runner import SequentialRunner

from mf_nas_kd.cores import default_workers
from mf_nas_kd.device import choose_device
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.files import folder_written_whole, written_whole
from mf_nas_kd.images import ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters
from mf_nas_kd.paths import is_project, packaged_configuration
from mf_nas_kd.planning import sentences
from mf_nas_kd.planning.choices import ImageChoices, Wishes, image_choices
from mf_nas_kd.planning.plan import Facts, Plan, make_plan, merged
from mf_nas_kd.planning.quantities import duration, short
from mf_nas_kd.planning.speed import candidate_seconds, teacher_seconds
from mf_nas_kd.planning.survey import survey_folder
from mf_nas_kd.progress import BesideBar, study_progress
from mf_nas_kd.project import create_project, study_name
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.spaces import Limits, sample_within
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings
from mf_nas_kd.workers import open_executor

logger = logging.getLogger(__name__)

PLAN = Path("conf/local/parameters.yml")
STATE = Path("find.json")
LOG = "find.log"
WIDTH = 100  # characters of a line
SAMPLE = 40
"""Architectures of which the costs are counted, to know what the study's networks cost."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes:
        images: Folder of class folders.
        study: Folder of the study; None for one beside the current folder, named after the images.
        wishes: Limits, budget and choices.
        dry_run: Whether to end with the plan.
        replan: Whether to make a plan anew where the study has one.
        command: The command line, for the study's README.
    """

    images: Path
    study: Path | None
    wishes: Wishes
    dry_run: bool
    replan: bool
    command: str

    @property
    def folder(self) -> Path:
        """Folder of the study, absolute."""
        return (self.study or Path(f"{study_name(self.images.absolute().name)}-study")).absolute()


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
    state = _known_state(folder, request)
    _log_into(folder)
    say(f"Study: {folder}")
    if state is None:
        environment = "cpu" if (device := choose_device("auto").type) not in ("cuda", "mps") else device
        choices = image_choices(survey, request.wishes, environment, default_workers())
        state = _planned(folder, images, request, choices, say)
    else:
        say(f"The plan is {PLAN} of the study, made for {state['options'] or 'no options'}; --replan makes a new one")
    for line in state["lines"]:
        say(line)
    if request.dry_run:
        say("")
        say(f"Nothing was trained. The plan is in {folder / PLAN}: it may be edited.")
        say("The same command without --dry-run runs it.")
        return
    say("")
    _run(folder, state["seconds"])
    _say_result(folder, say)


def _planned(folder: Path, images: Path, request: Request, choices: ImageChoices, say: Say) -> dict[str, Any]:
    """Read the images, measure this machine, and write the plan."""
    first = choices.parameters(str(images))
    environment = _environment(choices)
    start = merged(environment, first)
    say("Reading the images ...")
    _session(folder, ["data"], start)
    say("Measuring how fast this machine trains ...")
    catalog, parameters = _loaded(folder, start)
    dataset: ImageDataset = catalog.load("images")
    facts = _facts(dataset, SubsetOrder(catalog.load("subset_order")), parameters, request.wishes)
    plan = make_plan(facts, request.wishes, choices, environment)
    lines = [*_description(facts, plan, choices, dataset, folder, request.wishes)]
    _write_plan(folder, plan, first, lines, request)
    checked_parameters(_loader(folder, {}))  # a plan that the pipelines refuse would be a fault of ours
    state = {
        "images": str(images),
        "options": request.wishes.options,
        "seconds": dict(plan.seconds),
        "lines": lines,
    }
    with written_whole(folder / STATE) as temporary:
        temporary.write_text(json.dumps(state, indent=1), encoding="utf-8")
    return state


def _facts(images: ImageDataset, order: SubsetOrder, parameters: Mapping[str, Any], wishes: Wishes) -> Facts:
    """Numbers of images, and measured times of candidates and teacher."""
    training, teacher = parameters["training"], parameters["teacher"]
    settings = TrainingSettings.of(training, parameters["augmentation"], parameters["distillation"])
    evaluator = TrainingEvaluator(images, order, settings, None)
    limits = Limits.of(max_macs=wishes.max_macs, max_params=wishes.max_params)
    cost_of, rng = CostCounter(images.classes, images.image_shape), numpy_generator(0, "planning")
    sample = sample_within(parameters["space"].build(), SAMPLE, limits, cost_of, rng)
    ordered: list[Architecture] = sorted(sample, key=lambda each: cost_of(each).macs)
    macs = [cost_of(each).macs for each in ordered]
    quartiles = list(dict.fromkeys((ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4])))
    with open_executor(parameters["executor"], evaluator) as workers:
        candidate = candidate_seconds(quartiles, evaluator, workers)
    options = teacher.options[teacher.builder]
    counts = np.bincount(images.train.labels.numpy(), minlength=images.classes)
    return Facts(
        train=len(images.train),
        validation=len(images.validation),
        test=len(images.test),
        classes=images.classes,
        smallest_class=int(counts.min()),
        workers=parameters["executor"].workers or default_workers(),
        candidate=candidate,
        mean_macs=float(np.mean(macs)),
        largest_macs=float(macs[-1]),
        teacher=teacher_seconds(images, teacher.builder, options, teacher.hyper_parameters, settings),
    )


def _description(
    facts: Facts, plan: Plan, choices: ImageChoices, images: ImageDataset, folder: Path, wishes: Wishes
) -> list[str]:
    """What a person is told of the plan."""
    largest = int(np.bincount(images.train.labels.numpy()).max())
    lines = ["", "Found"]
    lines += _paragraphs(sentences.found(facts, choices, largest, _unreadable(folder)))
    lines += ["", f"Plan: about {duration(plan.total_seconds)} on this machine, {facts.workers} trainings at a time"]
    table = list(sentences.stages(facts, plan, wishes.limits))
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    lines += [f"  {name:<{widths[0]}}  {what:<{widths[1]}}  {time}" for name, what, time in table]
    lines += ["", "Expect"]
    return [*lines, *_paragraphs(sentences.expected(facts, plan))]


def _paragraphs(texts: Iterable[str]) -> list[str]:
    """Lines of texts, not too long for a terminal."""
    return [line for text in texts for line in wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")]


def _unreadable(folder: Path) -> int:
    """Number of files that could not be read."""
    tables = list(folder.glob("data/*/1_images/unreadable.csv"))
    return max(len(tables[0].read_text(encoding="utf-8").splitlines()) - 1, 0) if tables else 0


def _write_plan(folder: Path, plan: Plan, images: Mapping[str, Any], lines: list[str], request: Request) -> None:
    """Write the parameters of the plan; an earlier plan is kept beside it."""
    told = "\n".join(f"# {line}".rstrip() for line in lines)
    head = f"# The plan of `{request.command}`. Any parameter of conf/base may be stated here.\n#{told[1:]}\n"
    values = yaml.safe_dump(merged(plan.parameters, images), sort_keys=False, default_flow_style=None, width=120)
    with written_whole(folder / PLAN) as temporary:
        temporary.write_text(f"{head}{values}", encoding="utf-8")


def _known_state(folder: Path, request: Request) -> dict[str, Any] | None:
    """What is known of the study's plan; None if there is none, or a new one is asked for.

    Raises:
        InvalidValueError: If the plan is for other images or other wishes.
    """
    if not (folder / STATE).is_file() or not (folder / PLAN).is_file():
        return None
    state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if state["images"] != str(request.images.absolute()):
        allowed = f"another folder: the study there is one of {state['images']}"
        raise InvalidValueError("--study", str(folder), allowed)
    if request.replan:
        (folder / PLAN).replace(folder / PLAN.with_name(f"plan_{int((folder / PLAN).stat().st_mtime)}.old"))
        return None
    if request.wishes.options not in ("", state["options"]):
        allowed = f"{state['options'] or 'none'}, which its plan {folder / PLAN} was made for, or with --replan"
        raise InvalidValueError(f"the options of the study {folder}", request.wishes.options, allowed)
    return state


def _environment(choices: ImageChoices) -> dict[str, Any]:
    """Parameters of the environment with spaces and a teacher for the size of the images, without its images."""
    if choices.environment is None:
        return {}
    loader = ProjectConfigLoader(str(packaged_configuration()), env=choices.environment, **CONFIG_LOADER_ARGS)
    (values,) = (layer.values for layer in loader.layers() if layer.where == f"conf/{choices.environment}")
    return {name: value for name, value in values.items() if name != "images"}


def _loader(folder: Path, parameters: Mapping[str, Any]) -> ProjectConfigLoader:
    return ProjectConfigLoader(str(folder / "conf"), runtime_params=dict(parameters), **CONFIG_LOADER_ARGS)


def _loaded(folder: Path, parameters: Mapping[str, Any]) -> tuple[CatalogProtocol[Any, Any], dict[str, Any]]:
    """Catalog and checked parameters of the study."""
    with KedroSession.create(project_path=folder, runtime_params=dict(parameters)) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # of the session that is made here
        return context.catalog, checked_parameters(context.config_loader)


def _session(folder: Path, pipelines: list[str], parameters: Mapping[str, Any]) -> None:
    """Run pipelines in the folder of the study, where kedro-viz looks for a project."""
    bootstrap_project(folder)
    with chdir(folder), KedroSession.create(project_path=folder, runtime_params=dict(parameters)) as session:
        session.run(pipeline_names=pipelines, runner=SequentialRunner())  # type: ignore[attr-defined]


def _run(folder: Path, seconds: Mapping[str, float]) -> None:
    """Run all stages with one bar."""
    with study_progress(seconds, duration, lambda line: logger.info("%s", line)) as progress:
        _session(folder, ["__default__"], {})
    logger.info("The study took %s", duration(progress.elapsed_seconds))


def _log_into(folder: Path) -> None:
    """Log everything into a file of the study, and only warnings to the person, beside the bar."""
    settings = yaml.safe_load((folder / "conf" / "logging.yml").read_text(encoding="utf-8"))
    file = {"class": "logging.FileHandler", "filename": str(folder / LOG), "formatter": "plain", "delay": True}
    settings["handlers"], settings["root"]["handlers"] = {"file": file}, ["file"]
    configure_logging(settings)
    logging.getLogger().addHandler(BesideBar())


def _say_result(folder: Path, say: Say) -> None:
    """Say where the network is, how good it is, and how to use it."""
    catalog, _ = _loaded(folder, {})
    winner: dict[str, Any] = catalog.load("winner")
    metric = metric_of(winner)
    network, report = folder / "network", folder / "report.html"
    _copy_latest(catalog, network, report)
    low, high = (100 * winner[f"{metric.test}_{end}"] for end in ("low", "high"))
    model = shlex.quote(str(network / "model.onnx"))
    say("")
    say(f"Network: {network / 'model.onnx'}")
    say(
        f"  test {metric.label} {100 * winner[metric.test]:.1f} % [{low:.1f}, {high:.1f}] (95 % interval), "
        f"{short(winner['macs'])} MACs, {short(winner['params'])} parameters"
    )
    say(f"Report: {report}")
    say("Use it:")
    say(f"  mf-nas-kd predict {model} photo.jpg")
    say(f"  python {shlex.quote(str(network / 'predict.py'))} photo.jpg   # needs onnxruntime, Pillow and NumPy alone")
    say(f"  cat {shlex.quote(str(network / 'README.md'))}                 # the model card")


def _copy_latest(catalog: CatalogProtocol[Any, Any], network: Path, report: Path) -> None:
    """Copy the network and the report of the last run to the folder of the study; earlier runs stay in ``data``."""
    with folder_written_whole(network) as temporary:
        for file in sorted(_path(catalog, "network_folder").iterdir()):
            shutil.copyfile(file, temporary / file.name)
    with written_whole(report) as page:
        shutil.copyfile(_path(catalog, "report"), page)


def _path(catalog: CatalogProtocol[Any, Any], name: str) -> Path:
    dataset: Any = catalog.get(name)
    return Path(dataset._get_load_path())
