"""Cost of every distillation loss in a training step, and the size of its teacher targets.

The first published MobileNetV2 network as student, resnet32x4 as teacher, 100 classes, random images of 32x32, single
precision, one thread on a CPU. In every round each loss is measured once (forward and backward down to the student's
taps and the loss's own adapters), after a student's step without any (forward and backward), so that ratios come from
one process.

    python benchmarks/losses.py
    python benchmarks/losses.py --device cuda --rounds 30 --output losses.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common import FIRST_PUBLISHED, Spread
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation import LOSSES, DistillationLoss, build_loss
from mf_nas_kd.networks import build_network, build_teacher
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes

BATCH, CLASSES, IMAGE_SHAPE = 64, 100, (3, 32, 32)
SUBSET = 1851  # 1/27 of CIFAR-100


def milliseconds(device: torch.device, action: Callable[[], object]) -> float:
    """How long an action takes, the device's work included."""
    started = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - started)


def leaves(taps: Taps) -> Taps:
    """The same values as leaves that want gradients: a backward pass ends here."""
    return Taps(
        *(t.detach().requires_grad_() for t in (taps.logits, taps.embedding)),
        tuple(m.detach().requires_grad_() for m in taps.maps),
    )


def student_step(student: nn.Module, images: Tensor, labels: Tensor) -> None:
    """What a plain training pays."""
    functional.cross_entropy(student(images).logits, labels).backward()
    student.zero_grad(set_to_none=True)


def loss_step(loss: DistillationLoss, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor) -> None:
    """What the loss adds when the teacher targets are cached."""
    loss(leaves(taps), targets, indices, labels).backward()


def measure(device: torch.device, rounds: int) -> dict[str, object]:
    """Milliseconds of all actions, by name, and numbers in the targets of an image."""
    with torch_seeded(0, "benchmark"):
        student = build_network(FIRST_PUBLISHED["mobilenet_v2"], CLASSES, IMAGE_SHAPE[0])
        teacher = build_teacher("resnet32x4", {}, CLASSES, IMAGE_SHAPE).eval()
        images, labels = torch.randn(BATCH, *IMAGE_SHAPE), torch.randint(CLASSES, (BATCH,))
        student, teacher = (n.to(device, memory_format=torch.channels_last) for n in (student, teacher))
        images, labels = images.to(device, memory_format=torch.channels_last), labels.to(device)
        with torch.no_grad():
            student_taps, teacher_taps = student(images), teacher(images)
        shapes = {"student": TapShapes.of(student_taps), "teacher": TapShapes.of(teacher_taps)}
        losses = {name: build_loss(name, **shapes, num_images=SUBSET).to(device) for name in LOSSES}
    targets = {name: loss.teacher_targets(teacher_taps).detach() for name, loss in losses.items()}
    indices = torch.arange(BATCH, device=device)
    actions: dict[str, Callable[[], object]] = {
        "student": lambda: student_step(student, images, labels),
        "teacher": lambda: torch.no_grad()(teacher)(images),
    }
    for name, loss in losses.items():
        actions[name] = lambda loss=loss, name=name: loss_step(loss, student_taps, targets[name], indices, labels)
    for action in actions.values():
        action()  # the first call allocates
    times = [{name: milliseconds(device, action) for name, action in actions.items()} for _ in range(rounds)]
    sizes = {name: target[0].numel() for name, target in targets.items()}
    return {"rounds": rounds, "device": str(device), "milliseconds": times, "numbers_an_image": sizes}


def report(measured: dict[str, object]) -> str:
    """A table in Markdown: medians, and quartiles of the ratios to the student's step of the same round."""
    times = measured["milliseconds"]
    lines = ["| | ms, median | of the student's step, median (quartiles) | numbers an image |", "|---|---|---|---|"]
    for name in times[0]:
        ratio = Spread.of([step[name] / step["student"] for step in times])
        median = statistics.median(step[name] for step in times)
        numbers = measured["numbers_an_image"].get(name, "")
        lines.append(f"| {name} | {median:.3g} | {ratio} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    measured = measure(torch.device(arguments.device), arguments.rounds)
    print(report(measured))  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
