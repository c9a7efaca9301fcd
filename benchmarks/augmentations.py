"""Cost of a training step with every augmentation, against a step with ``crop_flip``.

The network is the median by multiply-accumulates of those sampled from the MobileNetV2 space of ``conf/image_folder``;
the options are those of ``conf/base`` with the flips of photographs. A step makes a batch of random images, and does
the forward pass, the backward pass and the update, in single precision. On a CPU, times are those of its one thread, so
that other work on a shared machine counts less; elsewhere they are wall times. In every round each augmentation has its
turn of some steps, one after the other, in one process. The target: a step with ``strong`` takes at most 1.25 of one
with ``crop_flip``.

    python benchmarks/augmentations.py
    python benchmarks/augmentations.py --device cuda --rounds 30 --output augmentations.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from common import Spread
from torch.optim import SGD

from mf_nas_kd.device import synchronise
from mf_nas_kd.images import AUGMENTATIONS, AugmentationSettings, LabelledImages, ResidentImages
from mf_nas_kd.networks import build_network
from mf_nas_kd.networks.cost import network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Architecture, build_space
from mf_nas_kd.statistics.bootstrap import BootstrapSettings, bootstrap
from mf_nas_kd.training import Objective
from mf_nas_kd.training.step import Step

BATCH, CLASSES, IMAGES, SAMPLED = 64, 100, 1024, 101
SPACE_FILES = ("base/parameters_space.yml", "image_folder/parameters.yml")
PHOTOGRAPHS = {"crop_flip": {"padding": 4, "flip": True}, "resized_crop": {"flip": True}, "strong": {"flip": True}}


def median_network() -> Architecture:
    """The sampled network with the median of the multiply-accumulates at 32 pixels."""
    settings = [yaml.safe_load(Path(f"conf/{name}").read_text()) for name in SPACE_FILES]
    base, own = (each["space"]["choices"]["mobilenet_v2"] for each in settings)
    space = build_space("mobilenet_v2", base | own)
    rng = numpy_generator(0, "benchmark")
    sampled = [space.sample(rng) for _ in range(SAMPLED)]
    costs = [network_cost(build_network(each, CLASSES, 3), (3, 32, 32)).macs for each in sampled]
    return sampled[sorted(range(SAMPLED), key=costs.__getitem__)[SAMPLED // 2]]


class Training:
    """Steps of one training, and their batches alone."""

    def __init__(self, name: str, network: Architecture, images: LabelledImages, device: torch.device) -> None:
        options = yaml.safe_load(Path("conf/base/parameters_augmentation.yml").read_text())["augmentation"]["options"]
        chosen = {name: options[name] | PHOTOGRAPHS.get(name, {})}
        self.augmentation = AugmentationSettings.model_validate({"name": name, "options": chosen}).build()
        self.images = ResidentImages(images, self.augmentation, ((0.5,) * 3, (0.25,) * 3), device)
        with torch_seeded(0, "benchmark"):
            student = build_network(network, CLASSES, 3).to(device, memory_format=torch.channels_last).train()
        optimiser = SGD(student.parameters(), lr=0.01, momentum=0.9, nesterov=True, fused=True)
        self._step = Step(student, self.images, Objective(0.0), optimiser)
        self._generator = torch.Generator().manual_seed(0)

    def seconds(self, steps: int, whole: bool) -> float:
        """Seconds of some whole steps, or of making their batches alone."""
        device = self.images.device
        drawn = [
            tuple(torch.randint(most, (BATCH,), generator=self._generator).to(device) for most in self._counts())
            for _ in range(steps)
        ]
        synchronise(device)
        clock = time.process_time if device.type == "cpu" else time.perf_counter
        started = clock()
        for each in drawn:
            self._step(each, 1.0) if whole else self.images.batch(*each)
        synchronise(device)
        return (clock() - started) / steps

    def _counts(self) -> tuple[int, int]:
        return len(self.images), len(self.augmentation)


def measure(size: int, device: torch.device, rounds: int, steps: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of a step and of a batch, by augmentation, one number a round."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (IMAGES, 3, size, size), dtype=torch.uint8, generator=generator)
    images = LabelledImages(pixels, torch.randint(CLASSES, (IMAGES,), generator=generator))
    network = median_network()
    trainings = {name: Training(name, network, images, device) for name in AUGMENTATIONS}
    taken: dict[str, dict[str, list[float]]] = {name: {"step": [], "batch": []} for name in AUGMENTATIONS}
    for turn in range(rounds + 1):
        for name, training in trainings.items():
            for what, found in taken[name].items():
                milliseconds = 1000 * training.seconds(steps, whole=what == "step")
                if turn > 0:  # the first allocates
                    found.append(milliseconds)
    return taken


def report(size: int, taken: dict[str, dict[str, list[float]]]) -> list[str]:
    """Rows of a table: medians, and the median ratio of the rounds with its 95 % bootstrap interval."""
    lines, settings = [], BootstrapSettings(resamples=2000, level=0.95, seed=0)
    usual = np.array(taken["crop_flip"]["step"])
    for name, found in taken.items():
        ratios = np.array(found["step"]) / usual
        interval = bootstrap(lambda drawn, ratios=ratios: float(np.median(ratios[drawn])), len(ratios), settings)
        lines.append(
            f"| {size} | {name} | {Spread.of(found['batch'])} | {Spread.of(found['step'])} "
            f"| {interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] | {len(ratios)} |"
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", nargs="+", type=int, default=[32, 96], help="pixels")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4, help="of a turn")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    lines = [
        "| pixels | augmentation | batch, ms | step, ms (quartiles) | step / crop_flip's | n |",
        "|---|---|---|---|---|---|",
    ]
    taken = {}
    for size in arguments.sizes:
        taken[size] = measure(size, device, arguments.rounds, arguments.steps)
        lines += report(size, taken[size])
    print("\n".join(lines))  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(taken, indent=1))


if __name__ == "__main__":
    main()
