"""Validation accuracy of low-fidelity trainings with each distillation configuration, and its first gradient's size.

Images, space, teacher and hyper-parameters are those of an environment of `conf`; trainings run one after another in
one process. Differences to the first configuration are paired: the same architecture and seed.

    python benchmarks/distillation.py
    python benchmarks/distillation.py --fraction 1/9 --epochs 20 --architectures 2 --environment image_folder \
        --images my/images
    python benchmarks/distillation.py --configurations kd dist --set dist.loss_weight=1.0
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader
from scipy import stats

from mf_nas_kd.images import ImageDataset, SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import Architecture, Fidelity
from mf_nas_kd.records.evaluation import EvaluationRequest
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.spaces import build_space
from mf_nas_kd.studies.first_gradients import first_gradient_ratio
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingHyperParameters, TrainingSettings, train_teacher
from mf_nas_kd.workers.inline import InlineExecutor

CONF = Path(__file__).parents[1] / "conf"


def load(parameters: dict[str, Any], pixels: Path) -> tuple[ImageDataset, TrainingSettings, list[Architecture]]:
    """Images, settings on a CPU, and architectures in the order of a seeded sample."""
    images, training, space = parameters["images"], parameters["training"], parameters["space"]
    dataset = load_images(
        images["source"],
        images["validation_fraction"],
        images["test_fraction"],
        images["seed"],
        images["options"][images["source"]],
        pixels,
    )
    parts = {**training, "device": "cpu"}
    parts |= {name: parameters[name] for name in ("augmentation", "distillation")}
    rng = numpy_generator(0, "benchmark")
    built = build_space(space["name"], space["choices"][space["name"]])
    drawn = {a.id: a for a in (built.sample(rng) for _ in range(100))}
    return dataset, TrainingSettings.model_validate(parts), list(drawn.values())


def teacher_of(parameters: dict[str, Any], dataset: ImageDataset, settings: TrainingSettings) -> TrainedNetwork:
    """The environment's teacher, trained here."""
    teacher = parameters["teacher"]
    trained = train_teacher(
        dataset,
        teacher["builder"],
        teacher["options"][teacher["builder"]],
        TrainingHyperParameters.model_validate(teacher["hyper_parameters"]),
        teacher["epochs"],
        teacher["seed"],
        "cpu",
        settings.augmentation,
    )
    print(f"teacher: validation accuracy {trained.val_accuracies[-1]:.3f}")  # noqa: T201
    return trained.network


def accuracies(
    evaluator: TrainingEvaluator, architectures: list[Architecture], fidelity: Fidelity, seeds: range
) -> tuple[list[float], float]:
    """Validation accuracies, ``architectures`` x ``seeds``, and the largest ratio of first gradients."""
    requests = [EvaluationRequest(a, fidelity, seed) for a in architectures for seed in seeds]
    for _ in evaluator.prepare(requests, InlineExecutor(evaluator)):
        pass
    trainings = [evaluator.resolve(r.architecture, r.fidelity, r.seed) for r in requests]
    ratios = [
        first_gradient_ratio(t, t.target_spec, evaluator.context, evaluator.teacher)
        for t in trainings
        if t.target_spec is not None and not t.distillation.matches_gradient_norm
    ]
    accuracies = [evaluator.accuracies(evaluator.train_resolved(training))[0] for training in trainings]
    return accuracies, max(ratios, default=math.nan)


def row(name: str, values: list[float], first: list[float], seeds: int, ratio: float) -> str:
    """Mean accuracy, range of the seeds' means, and the paired difference with its 95 % interval."""
    by_seed = [statistics.mean(values[seed::seeds]) for seed in range(seeds)]
    differences = [a - b for a, b in zip(values, first, strict=True)]
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(differences) / math.sqrt(len(values))
    difference = statistics.mean(differences)
    return (
        f"| {name} | {ratio:.3g} | {statistics.mean(values):.3f} ({min(by_seed):.3f} to {max(by_seed):.3f}) "
        f"| {difference:+.3f} ({difference - half:+.3f} to {difference + half:+.3f}) | {len(values)} |"
    )


def main() -> None:
    """Train and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", default="base")
    parser.add_argument("--images", help="folder of class folders, for the environment image_folder")
    parser.add_argument("--configurations", nargs="+", default=["kd", "none", "kd_standardised", "dist"])
    parser.add_argument("--set", nargs="*", default=[], help="changes of configurations: dist.loss_weight=1.0")
    parser.add_argument("--fraction", type=Fraction, default=Fraction(1, 3))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--architectures", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where decoded images and teacher targets are kept; else temporary")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    loader = OmegaConfigLoader(
        str(CONF), env=arguments.environment, runtime_params={"images_dir": arguments.images}, **CONFIG_LOADER_ARGS
    )
    parameters = loader["parameters"]
    for change in arguments.set:
        path, value = change.split("=")
        configuration, key = path.split(".")
        parameters["distillation"][configuration][key] = yaml.safe_load(value)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        dataset, settings, architectures = load(parameters, folder)
        teacher = teacher_of(parameters, dataset, settings)
        order = SubsetOrder.draw(dataset.train, parameters["subsets"]["seed"])
        evaluator = TrainingEvaluator(dataset, order, settings, teacher, folder / "targets")
        measured: dict[str, list[float]] = {}
        print("| | first gradient, largest | accuracy (seeds) | difference (95 %) | n |\n|---|---|---|---|---|")  # noqa: T201
        for name in arguments.configurations:
            fidelity = Fidelity(arguments.fraction, arguments.epochs, 1.0, name)
            measured[name], ratio = accuracies(
                evaluator, architectures[: arguments.architectures], fidelity, range(arguments.seeds)
            )
            first = next(iter(measured.values()))
            print(row(name, measured[name], first, arguments.seeds, ratio), flush=True)  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
