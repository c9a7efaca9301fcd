"""A step of our engine against a step of a textbook loop: milliseconds, ratios, and when caching teacher targets pays.

The textbook loop is what one writes first: a data loader with image transforms and worker processes, the teacher's
forward pass in each step, ``nst`` over all pairs of channels, ``.item()`` in each step, single precision, channels
first. Both sides train the same networks beside the same teacher ``resnet32x4`` (random weights: the time does not
depend on them) on the same images, with batches of the same size and the same number of threads (one, as in our
studies, where trainings share the cores; the loader's workers come on top). They take turns in one process, a few
steps each, with our plain training and ours that computes teacher targets online; the first turns are not counted.

    python benchmarks/training.py
    python benchmarks/training.py --networks mobilenet_v2 --losses none kd --images cifar100/train.tar.gz
    python benchmarks/training.py --device cuda --steps 50 --rounds 15 --output training.json

Kedro and MLflow are not needed.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import random
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Semaphore, Thread
from typing import IO, Any

import numpy as np
import torch
from common import FIRST_PUBLISHED, Spread
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import transforms

from mf_nas_kd.device import autocast, autocast_dtype, synchronise
from mf_nas_kd.distillation import DistillationLoss, build_loss, published_options
from mf_nas_kd.images import Batch, CropFlip, Draws, LabelledImages, ResidentImages
from mf_nas_kd.networks import build_network, build_teacher
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes
from mf_nas_kd.teacher import (
    CachedTargets,
    OnlineTargets,
    TargetBatch,
    TargetCache,
    TargetRequest,
    TeacherTargets,
    teacher_targets_of,
)
from mf_nas_kd.teacher.target_file import TargetFile
from mf_nas_kd.training import (
    DistillationConfiguration,
    DistillationTerm,
    Objective,
    TrainingHyperParameters,
    choose_device,
    fit,
)

CLASSES, SIDE, PADDING = 100, 32, 4
MEAN, STD = (0.507, 0.487, 0.441), (0.267, 0.256, 0.276)
WEIGHTS = {
    "none": {"cross_entropy_weight": 1.0, "loss_weight": 0.0},
    "kd": {"cross_entropy_weight": 0.1, "loss_weight": 0.9},
    "attention": {"cross_entropy_weight": 1.0, "loss_weight": 1000.0},
    "nst": {"cross_entropy_weight": 1.0, "loss_weight": 50.0},
}
IMAGES_HELP = "class folders with images, a tar archive of them, or a folder of archives train*.tar.gz; random without"
OPTIMISER = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4}


# ------------------------------------------------------------------ the textbook loop


class ImageFiles(Dataset):
    """Images as an image library has them, transformed one by one."""

    def __init__(self, images: LabelledImages) -> None:
        self._images = [Image.fromarray(image) for image in images.images.permute(0, 2, 3, 1).numpy()]
        self._labels = images.labels.tolist()
        self._transform = transforms.Compose(
            [
                transforms.RandomCrop(SIDE, padding=PADDING),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self._transform(self._images[place]), self._labels[place]


def textbook_loss(name: str, student: Taps, teacher: Taps | None, labels: Tensor) -> Tensor:
    """Cross-entropy and the distillation loss, as published code has them."""
    cross_entropy = functional.cross_entropy(student.logits, labels)
    if teacher is None:
        return cross_entropy
    if name == "kd":
        soft, target = functional.log_softmax(student.logits / 4, dim=1), functional.softmax(teacher.logits / 4, dim=1)
        loss = functional.kl_div(soft, target, reduction="batchmean") * 4**2
    else:
        student_map, teacher_map = _same_size(student.maps[-1], teacher.maps[-1])
        loss = {"attention": _attention_distance, "nst": _all_pairs_discrepancy}[name](student_map, teacher_map)
    return WEIGHTS[name]["cross_entropy_weight"] * cross_entropy + WEIGHTS[name]["loss_weight"] * loss


def _same_size(first: Tensor, second: Tensor) -> list[Tensor]:
    side = min(first.shape[-1], second.shape[-1])
    return [m if m.shape[-1] == side else functional.adaptive_avg_pool2d(m, side) for m in (first, second)]


def _attention_distance(student: Tensor, teacher: Tensor) -> Tensor:
    maps = [functional.normalize(m.pow(2).mean(1).flatten(1)) for m in (student, teacher)]
    return (maps[0] - maps[1]).pow(2).mean()


def _all_pairs_discrepancy(student: Tensor, teacher: Tensor) -> Tensor:
    student, teacher = (functional.normalize(m.flatten(2), dim=2) for m in (student, teacher))

    def mean_kernel(first: Tensor, second: Tensor) -> Tensor:
        return (first[:, :, None] * second[:, None]).sum(-1).pow(2).mean()

    return mean_kernel(teacher, teacher).detach() + mean_kernel(student, student) - 2 * mean_kernel(student, teacher)


class TextbookLoop:
    """So many turns of some steps."""

    def __init__(
        self,
        network: nn.Module,
        teacher: nn.Module,
        loss: str,
        images: LabelledImages,
        batch_size: int,
        device: str,
        turns: int,
    ) -> None:
        self._network, self._teacher, self._loss, self._device = network.to(device).train(), teacher, loss, device
        self._optimiser = torch.optim.SGD(
            network.parameters(),
            lr=OPTIMISER["learning_rate"],
            momentum=OPTIMISER["momentum"],
            weight_decay=OPTIMISER["weight_decay"],
            nesterov=True,
        )
        loader = DataLoader(
            ConcatDataset([ImageFiles(images)] * turns),  # one epoch: its workers never stop fetching ahead
            batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=2,
            generator=torch.Generator().manual_seed(0),
        )
        self._batches = iter(loader)

    def run(self, steps: int) -> None:
        """Train on."""
        for _ in range(steps):
            images, labels = (tensor.to(self._device) for tensor in next(self._batches))
            student = self._network(images)
            teacher = None
            if self._loss != "none":
                with torch.no_grad():
                    teacher = self._teacher(images)
            loss = textbook_loss(self._loss, student, teacher, labels)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            loss.item()


# ----------------------------------------------------------------------------- ours


class Precomputed:
    """Teacher targets of all that our side will see, in files as a study has them."""

    def __init__(self, teacher: nn.Module, images: ResidentImages, draws: Draws, epochs: int) -> None:
        self._teacher, self._images, self._index = teacher, images, draws.index
        self._pairs = draws.pairs(epochs, match_gradient_norm=False).numpy()
        self._folder = tempfile.TemporaryDirectory()
        self._cache = TargetCache(Path(self._folder.name), limit_gib=100, belongs_to={})
        self._files: dict[str, TargetFile] = {}
        self.milliseconds_a_pair = 0.0

    def compute(self, losses: list[DistillationLoss]) -> None:
        """One forward pass of an image for all losses that have different targets."""
        by_key = {loss.target_key: loss for loss in losses}
        device, computed = self._images.device, []
        started = time.perf_counter()
        for pairs in torch.from_numpy(self._pairs).split(self._images.largest_batch):
            batch = self._images.batch(*(part.to(device) for part in self._index.decode(pairs)))
            targets = teacher_targets_of(self._teacher, list(by_key.values()), batch.teacher_images)
            computed.append([target.cpu() for target in targets])
        self.milliseconds_a_pair = 1000 * (time.perf_counter() - started) / len(self._pairs)
        for key, parts in zip(by_key, zip(*computed, strict=True), strict=True):
            values = torch.cat(parts).numpy()
            self._files[key] = self._cache.file(key, values.shape[1:])
            self._cache.append([self._files[key]], TargetRequest(self._pairs, ()), TargetBatch((values,), 0.0))

    def targets(self, loss: DistillationLoss) -> CachedTargets:
        """For one training."""
        subset, device = torch.arange(len(self._images)), self._images.device
        targets = self._cache.look_up(self._files[loss.target_key], self._pairs, subset, self._index, device)
        if targets is None:
            raise RuntimeError("the file lacks pairs")
        return targets

    def bytes_a_pair(self, loss: DistillationLoss) -> int:
        """In the file."""
        return self._files[loss.target_key].record_bytes


def build_distillation(network: nn.Module, teacher: nn.Module, name: str, images: int) -> DistillationLoss:
    """A loss of ours, with its published options."""
    shapes = [TapShapes.of(forward_empty_batch(module, (3, SIDE, SIDE))) for module in (network, teacher)]
    with torch_seeded(0, "loss"):
        return build_loss(name, student=shapes[0], teacher=shapes[1], num_images=images)


def objective_of(name: str, loss: DistillationLoss, targets: TeacherTargets) -> Objective:
    """The objective of our side when it distils."""
    configuration = DistillationConfiguration(
        loss=name, loss_warmup_fraction=0.0, options=published_options(name), **WEIGHTS[name]
    )
    return Objective(0.0, DistillationTerm(configuration, loss, targets, gradient_norm_ratio=1.0))


class OurTraining:
    """A training as a study makes it, an epoch at a time: between two it waits, in a thread of its own."""

    def __init__(
        self, network: nn.Module, images: ResidentImages, objective: Objective, batch_size: int, epochs: int
    ) -> None:
        hyper_parameters = TrainingHyperParameters(
            batch_size=batch_size,
            schedule="cosine",
            decay_fraction=0.2,
            warmup_fraction=0.1,
            label_smoothing=0.0,
            weight_averaging=0.0,
            mixup=0.0,
            class_weights="none",
            **OPTIMISER,
        )
        training = partial(fit, network, images, objective, hyper_parameters, epochs, seed=0, after_epoch=self._wait)
        self._turn, self._over = Semaphore(0), Semaphore(0)
        self._failure: Exception | None = None
        self._thread = Thread(target=self._train, args=(training,), daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Train for an epoch."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):  # as in a study
            self._turn.release()
            self._over.acquire()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """After the last epoch."""
        self._turn.release()
        self._thread.join()

    def _train(self, training: Callable[[], Any]) -> None:
        self._turn.acquire()
        try:
            training()
        except Exception as failure:  # told in the thread that waits
            self._failure = failure
        self._over.release()

    def _wait(self, _epoch: int, _loss: float) -> None:
        self._over.release()
        self._turn.acquire()


# ------------------------------------------------------------------------- measuring


def take_turns(actions: dict[str, Callable[[], None]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each action in each round; the round before the first is not counted.

    Every round has an order of its own: who comes after the textbook loop shares the cores with its loader's workers.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    orders = random.Random(0)  # noqa: S311 - no secret
    for _ in range(rounds + 1):
        for name in orders.sample(list(actions), len(actions)):
            started = time.perf_counter()
            actions[name]()
            synchronise(device)
            seconds[name].append(time.perf_counter() - started)
    return {name: each[1:] for name, each in seconds.items()}


def lone_student(network: nn.Module, batch: Batch, steps: int) -> float:
    """Images a second of a student's forward and backward pass alone, replayed as a CUDA graph."""
    device = batch.images.device
    network = network.to(device, memory_format=torch.channels_last).train()

    def pass_() -> None:
        with autocast(device):
            loss = functional.cross_entropy(network(batch.images).logits, batch.labels)
        loss.backward()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            pass_()
    torch.cuda.current_stream().wait_stream(side)
    network.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        pass_()
    graph.replay()
    synchronise(device)
    started = time.perf_counter()
    for _ in range(steps):
        graph.replay()
    synchronise(device)
    return steps * len(batch.labels) / (time.perf_counter() - started)


def read_images(source: Path | None, count: int) -> LabelledImages:
    """As many images in a seeded order; random ones where there is no source."""
    generator = torch.Generator().manual_seed(0)
    if source is None:
        pixels = torch.randint(256, (count, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
        return LabelledImages(pixels, torch.randint(CLASSES, (count,), generator=generator))
    with ExitStack() as opened:
        files = list(_image_files(source, opened))
        classes = sorted({name for name, _ in files})[:CLASSES]
        files = [(classes.index(name), read) for name, read in files if name in classes]
        if len(files) < count:
            raise SystemExit(f"{source} has {len(files)} images in {len(classes)} classes, but {count} are wanted")
        chosen = [files[place] for place in torch.randperm(len(files), generator=generator)[:count]]
        pixels = [np.asarray(Image.open(read()).convert("RGB").resize((SIDE, SIDE))) for _, read in chosen]
    return LabelledImages(
        torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([label for label, _ in chosen]),
    )


def _image_files(source: Path, opened: ExitStack) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """Class and opener of every image: in folders of classes, in an archive of such folders, or in several archives."""
    archives = sorted(source.glob("train*.tar.gz")) if source.is_dir() else [source]
    for path in archives:
        archive = opened.enter_context(tarfile.open(path))  # noqa: SIM115 - closed with the others
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
            yield Path(member.name).parent.name, partial(archive.extractfile, member)
    if not archives:
        for path in sorted(p for p in source.glob("*/*") if p.is_file()):
            yield path.parent.name, partial(path.open, "rb")


def describe_machine(device: torch.device, threads: int) -> dict[str, Any]:
    """What figures depend on."""
    cpu = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "cpu": cpu.partition(":")[2].strip() or cpu,
        "cores": os.cpu_count(),
        "gpu": gpu,
        "torch": torch.__version__,
        "threads": threads,
        "precision": str(autocast_dtype(device)),
        "load": os.getloadavg(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def measure(
    networks: list[str],
    names: list[str],
    images: LabelledImages,
    device: torch.device,
    batch_size: int,
    steps: int,
    rounds: int,
) -> Iterator[dict[str, Any]]:
    """One result a network and loss, and the cost of precomputing teacher targets, as they are measured."""
    augmentation = CropFlip(CropFlip.Options(padding=PADDING, flip=True, rows=None, seed=0))
    resident = ResidentImages(images, augmentation, (MEAN, STD), device)
    draws = Draws.of(len(images), len(augmentation), batch_size, seed=0)
    with torch_seeded(0, "teacher"):
        usual_teacher = build_teacher("resnet32x4", {}, CLASSES, (3, SIDE, SIDE)).eval().to(device)
    teacher = copy.deepcopy(usual_teacher).to(memory_format=torch.channels_last)

    def student(network: str) -> nn.Module:
        with torch_seeded(0, "student"):
            return build_network(FIRST_PUBLISHED[network], CLASSES, 3).to(device)

    distilling = [name for name in names if name != "none"]

    def ours(network: str, objective: Objective) -> OurTraining:
        return OurTraining(student(network), resident, objective, batch_size, rounds + 1)

    losses = {
        (network, name): build_distillation(student(network), teacher, name, len(images)).to(device)
        for network in networks
        for name in distilling
    }
    precomputed = Precomputed(teacher, resident, draws, rounds + 1)
    if losses:
        precomputed.compute(list(losses.values()))
    precomputing = precomputed.milliseconds_a_pair * batch_size  # for the pairs of a step
    to_milliseconds = 1000 / steps
    for network in networks:
        for name in names:
            loss = losses.get((network, name))
            usual = TextbookLoop(student(network), usual_teacher, name, images, batch_size, device.type, rounds + 1)
            trainings = {"ours none": ours(network, Objective(0.0))}
            if loss is not None:
                trainings["ours"] = ours(network, objective_of(name, loss, precomputed.targets(loss)))
                online_objective = objective_of(name, copy.deepcopy(loss), OnlineTargets(teacher, loss))
                trainings["online"] = ours(network, online_objective)
            actions = {"textbook": partial(usual.run, steps), **{key: t.run for key, t in trainings.items()}}
            seconds = take_turns(actions, rounds, device)
            for training in trainings.values():
                training.close()
            own = seconds.get("ours", seconds["ours none"])
            result = {
                "network": network,
                "loss": name,
                "textbook_ms": Spread.of([to_milliseconds * s for s in seconds["textbook"]]),
                "ours_ms": Spread.of([to_milliseconds * s for s in own]),
                "ratio": Spread.of([other / s for other, s in zip(seconds["textbook"], own, strict=True)]),
            }
            if loss is not None:
                plain, online = seconds["ours none"], seconds["online"]
                result["to_ours_none"] = Spread.of([s / other for s, other in zip(own, plain, strict=True)])
                result["online_ms"] = Spread.of([to_milliseconds * s for s in online])
                result["precomputing_ms"] = precomputing
                saved = result["online_ms"].median - result["ours_ms"].median
                result["paid_back_after_trainings"] = precomputing / saved if saved > 0 else None
                result["bytes_a_pair"] = precomputed.bytes_a_pair(loss)
            if device.type == "cuda":
                positions, augmentations = (drawn[:batch_size].to(device) for drawn in next(draws.epochs()))
                alone = lone_student(student(network), resident.batch(positions, augmentations), steps)
                result["share_of_lone_student"] = steps * batch_size / statistics.median(own) / alone
            yield result


COLUMNS = {
    "network": "network",
    "loss": "loss",
    "textbook_ms": "textbook, ms",
    "ours_ms": "ours, ms",
    "ratio": "textbook / ours",
    "to_ours_none": "ours / ours none",
    "online_ms": "ours online, ms",
    "precomputing_ms": "precomputing, ms",
    "paid_back_after_trainings": "paid back after trainings",
    "bytes_a_pair": "bytes a pair",
    "share_of_lone_student": "share of a lone student's images/s",
}


def main() -> None:
    """Measure and print; ``--output`` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--networks", nargs="+", default=list(FIRST_PUBLISHED), choices=list(FIRST_PUBLISHED))
    parser.add_argument("--losses", nargs="+", default=list(WEIGHTS), choices=list(WEIGHTS))
    parser.add_argument("--images", type=Path, help=IMAGES_HELP)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4, help="in a turn")
    parser.add_argument("--rounds", type=int, default=7, help="turns that count, at least 2")
    parser.add_argument("--threads", type=int, default=1, help="of both sides, on a CPU; our trainings have one")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.steps < 1 or arguments.batch_size < 2:
        parser.error("at least 2 rounds, 1 step in a turn and 2 images a step")
    torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    images = read_images(arguments.images, arguments.steps * arguments.batch_size)
    machine = describe_machine(device, arguments.threads)
    print(json.dumps(machine))  # noqa: T201
    print(f"| {' | '.join(COLUMNS.values())} |\n|{'---|' * len(COLUMNS)}")  # noqa: T201
    results = []
    for result in measure(
        arguments.networks, arguments.losses, images, device, arguments.batch_size, arguments.steps, arguments.rounds
    ):
        results.append(result)
        print(f"| {' | '.join(_text(result.get(column)) for column in COLUMNS)} |", flush=True)  # noqa: T201
    if arguments.output is not None:
        figures = [{k: asdict(v) if isinstance(v, Spread) else v for k, v in result.items()} for result in results]
        given = {name: str(value) for name, value in vars(arguments).items()}
        arguments.output.write_text(json.dumps({"machine": machine, "arguments": given, "results": figures}, indent=1))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
