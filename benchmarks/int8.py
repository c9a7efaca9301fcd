"""What int8 costs in accuracy and saves in size and time, and whether deployed models see what the training saw.

Networks of MobileNetV2's space on the digits and on class folders of images, and networks of the two other spaces on
the digits, as float32 and int8 ONNX models. Accuracies are those of the test images; the difference is paired over
them, with a 95 % interval. Dynamic quantisation is beside it as a warning. Parity: image files of six formats,
five modes and many sizes, classified by the deployed model and by the decoder and network of the training.

    python benchmarks/pretrained_teacher.py subset CIFAR100 images   # every fifth class, as for that benchmark
    python benchmarks/int8.py --images images --folder work

Trained networks are kept in the folder, and are trained once.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from kedro.config import OmegaConfigLoader
from numpy.typing import NDArray
from onnxruntime import quantization
from PIL import Image
from safetensors.torch import save_file

from distillation import CONF, load
from mf_nas_kd.devices.latency import device_name, measure_latency
from mf_nas_kd.devices.memory import peak_activation_bytes
from mf_nas_kd.export.graph import slimmed
from mf_nas_kd.export.onnx import network_graph
from mf_nas_kd.export.packing import packed
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.export.quantisation import Int8Parameters, Quantised, quantise_within
from mf_nas_kd.export.runtime import logits_of
from mf_nas_kd.image_files import decode_file, pixels_of_file
from mf_nas_kd.images import ImageDataset, SubsetOrder
from mf_nas_kd.networks import CostCounter, TrainedNetwork, rebuild
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors
from mf_nas_kd.records import Fidelity
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from mf_nas_kd.statistics import accuracy_difference
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


def quantised(graph: onnx.ModelProto, images: ImageDataset, parameters: dict[str, Any]) -> Quantised:
    """The int8 graph, as the pipeline `export` makes it."""
    options = Int8Parameters.model_validate(parameters["export"]["int8"])
    labels = images.validation.labels.numpy()
    step = max(1, len(images.train) // options.calibration_images)
    calibration = images.train.gathered(torch.arange(0, len(images.train), step)).numpy()[: options.calibration_images]
    return quantise_within(
        graph,
        calibration,
        images.validation.images.numpy(),
        lambda logits: float((logits.argmax(axis=1) == labels).mean()),
        options,
        parameters["export"]["int8_tolerance_points"] / 100,
    )


def dynamic(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with dynamic quantisation, one scale a tensor: onnxruntime's default."""
    with tempfile.TemporaryDirectory() as folder:
        given, file = Path(folder) / "float32.onnx", Path(folder) / "dynamic.onnx"
        onnx.save(graph, given)
        quantization.quantize_dynamic(given, file)
        return onnx.load(file)


def points(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> str:
    """The difference of two accuracies in percentage points, with its interval."""
    found = accuracy_difference(first[None], second[None], 0.95)
    return f"{100 * found.value:+.2f} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"


def compare(name: str, images: ImageDataset, network: TrainedNetwork, parameters: dict[str, Any]) -> None:
    """Print a row of the table, and one of the parity."""
    graph = network_graph(network, parameters["export"]["opset"])
    int8 = quantised(graph, images, parameters)
    pixels, labels = images.test.images.numpy(), images.test.labels.numpy()
    shape, facts = network.description.image_shape, ("study", network.fingerprint, "none stated")
    files = [
        deployed_model(each, shape, metadata_of(images.class_names, shape, *facts))
        for each in (graph, packed(int8.model))
    ]
    small = [slimmed(graph), slimmed(packed(int8.model))]
    right = {
        kind: logits_of(each, pixels).argmax(axis=1) == labels
        for kind, each in (("float32", graph), ("int8", int8.model), ("dynamic", dynamic(graph)))
    }
    latency = [measure_latency(slimmed(each).SerializeToString()) for each in (graph, int8.model)]
    memory = [peak_activation_bytes(slimmed(each)) / 1024 for each in (graph, int8.model)]
    ratio = small[1].ByteSize() / small[0].ByteSize()
    print(  # noqa: T201
        f"| {name} | {len(labels)} | {100 * right['float32'].mean():.2f} | {100 * right['int8'].mean():.2f} "
        f"| {points(right['int8'], right['float32'])} | {points(right['dynamic'], right['float32'])} "
        f"| {small[0].ByteSize():,} | {ratio:.3f} | {len(files[0]):,} | {len(files[1]) / len(files[0]):.3f} "
        f"| {latency[0].median_ms:.3f} | {latency[1].median_ms / latency[0].median_ms:.2f} "
        f"| {memory[0]:.0f} | {memory[1]:.0f} | {', '.join(int8.float_layers) or 'none'} |",
        flush=True,
    )
    PARITY.append((name, *parity(files[0], images, network)))


PARITY: list[tuple[str, int, int, float]] = []


def parity(deployed: bytes, images: ImageDataset, network: TrainedNetwork) -> tuple[int, int, float]:
    """Number of files, number with equal classes, and largest difference of the logits on images of the study."""
    session = onnxruntime.InferenceSession(deployed)
    module, description = rebuild(network), network.description
    shape = description.image_shape
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (description.pixel_mean, description.pixel_std))

    def by_training(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            logits: NDArray[np.float32] = module((torch.from_numpy(pixels.copy()) / 255 - mean) / std).logits.numpy()
        return logits

    equal, count = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for path in mixed_files(images, Path(folder)):
            (logits,) = session.run(["logits"], {"images": pixels_of_file(path, shape[0], shape[1:])[None]})
            expected = by_training(decode_file(path, shape[0], shape[1:])[None])
            equal += int(logits.argmax() == expected.argmax())
            count += 1
    pixels = images.test.images[:500].numpy()
    (logits,) = session.run(["logits"], {"images": pixels.transpose(0, 2, 3, 1)})
    return count, equal, float(np.abs(logits - by_training(pixels)).max())


KINDS = (
    *("rgb.jpg", "turned.jpg", "cmyk.jpg", "palette.gif"),
    *("alpha.webp", "grey.bmp", "alpha.png", "sixteen.png", "rgb.tiff"),
)


SIZES = (
    *((3, 3), (8, 8), (17, 23), (32, 32), (31, 64), (64, 31), (90, 200), (200, 90), (224, 224), (480, 640)),
    *((640, 480), (1200, 500), (3000, 2000)),
)


def mixed_files(images: ImageDataset, folder: Path, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Path]:
    """Test images as files of each kind and each size (height, width); some of them are turned by EXIF."""
    rng, paths = np.random.default_rng(0), []
    for kind in KINDS:
        for number, (height, width) in enumerate(sizes):
            pixels = images.test.images[int(rng.integers(len(images.test)))].permute(1, 2, 0).numpy()
            small = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
            image = small.resize((width, height), Image.Resampling.BICUBIC)
            noisy = np.asarray(image) + rng.normal(0, 4, (height, width, 3))
            path = folder / f"{number}-{kind}"
            save(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), path, kind)
            paths.append(path)
    return paths


def save(image: Image.Image, path: Path, kind: str) -> None:
    """Save an image in a format and mode."""
    name, options = kind.partition(".")[0], {}
    if name == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        options["exif"] = exif
    elif name == "alpha":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    elif name == "sixteen":
        image = Image.fromarray(np.asarray(image.convert("L"), dtype=np.uint16) * 257)
    elif name != "rgb":
        image = image.convert({"cmyk": "CMYK", "palette": "P", "grey": "L"}[name])
    image.save(path, **options)


HEADER = (
    "network | n | float32, % | int8, % | difference, points | dynamic: difference | graph, bytes | ratio "
    "| file, bytes | ratio | latency, ms | ratio | memory, KiB | int8 | layers in float"
)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="class folders; without them, the digits only")
    parser.add_argument("--macs", type=float, default=1.2e6, help="of the network for the class folders")
    parser.add_argument("--epochs", type=int, default=15, help="of the network for the class folders")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger().setLevel(logging.ERROR)
    print(f"{device_name()}, onnxruntime {onnxruntime.__version__}\n\n| {HEADER} |\n{'|---' * 15}|")  # noqa: T201
    studies = [("base", space, macs, 30) for space, macs in SMALL]
    if arguments.images:
        studies.append(("image_folder", "mobilenet_v2", arguments.macs, arguments.epochs))
    for environment, space, macs, epochs in studies:
        parameters = parameters_of(environment, arguments.images if environment == "image_folder" else None)
        images, network = trained(parameters, arguments.folder, space, macs, epochs, 0)
        compare(f"{images.name}, {space}", images, network, parameters)
    print("\n| network | files | equal classes | largest difference of logits |\n|---|---|---|---|")  # noqa: T201
    for name, count, equal, difference in PARITY:
        print(f"| {name} | {count} | {equal} | {difference:.1e} |")  # noqa: T201


SMALL = (("mobilenet_v2", 75e3), ("shufflenet_v2", 75e3), ("nas_bench_201", 500e3))
"""Space and MACs of the networks for the digits."""


if __name__ == "__main__":
    sys.exit(main())
