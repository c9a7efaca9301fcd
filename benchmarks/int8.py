"""What int8 costs in accuracy and saves in size and time: networks trained here, as float32 and int8 ONNX models.

Networks of MobileNetV2's space on the digits and on class folders of images, and networks of the two other spaces on
the digits. Accuracies are those of the test images; the difference is paired over them, with a 95 % interval.

    python benchmarks/pretrained_teacher.py subset CIFAR100 images   # every fifth class, as for that benchmark
    python benchmarks/int8.py --images images --folder work

Trained networks are kept in the folder, and are trained once.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from safetensors.torch import save_file

from distillation import CONF, load
from mf_nas_kd.images import ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors
from mf_nas_kd.records import Fidelity
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings


def parameters_of(environment: str, images: Path | None) -> dict[str, Any]:
    """Parameters of an environment of `conf`."""
    runtime = {"images_dir": str(images)} if images else {}
    loader = OmegaConfigLoader(str(CONF), env=environment, runtime_params=runtime, **CONFIG_LOADER_ARGS)
    return dict(loader["parameters"])


def trained(
    parameters: dict[str, Any], folder: Path, space: str, macs: float, epochs: int, seed: int
) -> tuple[ImageDataset, TrainedNetwork]:
    """The images, and the sampled network whose MACs are nearest to a number, trained plainly as in the final stage."""
    parameters["space"]["name"] = space
    images, settings, sampled = load(parameters, folder)
    file = folder / f"{images.name}-{space}-{macs:.0f}-{epochs}-{seed}.safetensors"
    if not file.exists():
        final = parameters["final"]
        settings = TrainingSettings.model_validate(
            settings.model_dump(mode="json") | {"hyper_parameters": final["hyper_parameters"]}
        )
        count = CostCounter(images.classes, images.image_shape)
        architecture = min(sampled, key=lambda each: abs(count(each).macs - macs))
        order = SubsetOrder.draw(images.train, parameters["subsets"]["seed"])
        evaluator = TrainingEvaluator(images, order, settings, teacher=None)
        network, validation, test = evaluator.train(architecture, Fidelity(Fraction(1), epochs), seed)
        print(file.name, count(architecture), f"validation {validation:.4f}, test {test:.4f}", flush=True)  # noqa: T201
        tensors, header = TrainedNetwork.of(evaluator.describe(architecture), network).to_tensors()
        save_file(tensors, file, metadata=header)
    return images, TrainedNetwork.from_tensors(*read_tensors(file, LARGEST_NETWORK_BYTES))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="class folders; without them, the digits only")
    parser.add_argument("--macs", type=float, default=1.2e6, help="of the network for the class folders")
    parser.add_argument("--epochs", type=int, default=15, help="of the network for the class folders")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for space, macs in (("mobilenet_v2", 75e3), ("shufflenet_v2", 75e3), ("nas_bench_201", 500e3)):
        trained(parameters_of("base", None), arguments.folder, space, macs, 30, 0)
    if arguments.images:
        parameters = parameters_of("image_folder", arguments.images)
        trained(parameters, arguments.folder, "mobilenet_v2", arguments.macs, arguments.epochs, 0)


if __name__ == "__main__":
    sys.exit(main())
