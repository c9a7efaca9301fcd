"""Time and memory of the ``nst`` loss against the textbook form that builds all pairs of channels.

Three forms, forward and backward pass, single precision: the textbook form; ours; ours with the teacher's Gram matrices
cached, as a training has them. Times alternate in one process. On the CPU, memory is the growth
of peak resident memory in a process of its own for each form; on a GPU, of torch's peak of allocated memory.

    python benchmarks/nst.py
    python benchmarks/nst.py --device cuda --rounds 30 --output nst.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from common import Spread
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.taps import Taps, TapShapes

MEBIBYTE = 2**20
BALLAST_MEBIBYTES = 512


@dataclass(frozen=True)
class Maps:
    """Shape of both maps, ``(batch, channels, side, side)``."""

    batch: int
    channels: int
    side: int

    def draw(self, device: str) -> tuple[Tensor, Tensor]:
        """The student's map, which wants a gradient, and the teacher's."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.batch, self.channels, self.side, self.side)
        student, teacher = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
        return student.requires_grad_(), teacher


def textbook(student: Tensor, teacher: Tensor) -> Callable[[], Tensor]:
    """Products of all pairs of channels at all positions, summed afterwards, as in published implementations."""

    def value() -> Tensor:
        own, other = (functional.normalize(m.flatten(2), dim=2) for m in (student, teacher))
        return _all_pairs(other, other) + _all_pairs(own, own) - 2 * _all_pairs(own, other)

    return value


def _all_pairs(first: Tensor, second: Tensor) -> Tensor:
    return (first[:, :, None] * second[:, None]).sum(dim=3).square().mean()  # the product: (B, C_s, C_t, HW)


def ours(student: Tensor, teacher: Tensor) -> Callable[[], Tensor]:
    """The library's loss; the teacher's side is computed each time."""
    loss, (of_student, of_teacher) = _loss_and_taps(student, teacher)
    indices = torch.arange(len(student), device=student.device)
    return lambda: loss(of_student, loss.teacher_targets(of_teacher), indices)


def ours_cached(student: Tensor, teacher: Tensor) -> Callable[[], Tensor]:
    """The library's loss; the teacher's side was computed before."""
    loss, (of_student, of_teacher) = _loss_and_taps(student, teacher)
    indices, targets = torch.arange(len(student), device=student.device), loss.teacher_targets(of_teacher)
    return lambda: loss(of_student, targets, indices)


def _loss_and_taps(student: Tensor, teacher: Tensor) -> tuple[torch.nn.Module, list[Taps]]:
    taps = [Taps(m.new_zeros(len(m), 2), m.new_zeros(len(m), 1), (m,)) for m in (student, teacher)]
    shapes = dict(zip(("student", "teacher"), map(TapShapes.of, taps), strict=True))
    return build_loss("nst", **shapes, num_images=len(student)).to(student.device), taps


FORMS: Mapping[str, Callable[[Tensor, Tensor], Callable[[], Tensor]]] = {
    "textbook": textbook,
    "ours": ours,
    "ours, targets cached": ours_cached,
}


def step(form: Callable[[], Tensor], student: Tensor) -> float:
    """One forward and backward pass; the value."""
    student.grad = None
    value = form()
    value.backward()
    return value.item()  # waits for the device


def measure_milliseconds(maps: Maps, device: str, rounds: int) -> dict[str, list[float]]:
    """By form, one measurement a round; the forms take turns, and a first round of each is thrown away.

    Raises:
        SystemExit: If the forms do not give the same value.
    """
    student, teacher = maps.draw(device)
    forms = {name: form(student, teacher) for name, form in FORMS.items()}
    values = [step(form, student) for form in forms.values()]
    if max(values) - min(values) > 1e-4 * max(values):
        raise SystemExit(f"the forms give different values: {dict(zip(forms, values, strict=True))}")
    measured: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            started = time.perf_counter()
            step(form, student)
            if device != "cpu":
                torch.cuda.synchronize()
            measured[name].append(1000 * (time.perf_counter() - started))
    return measured


def measure_peak_mebibytes(maps: Maps, device: str) -> dict[str, float]:
    """By form: growth of the peak of memory in one step."""
    if device != "cpu":
        return {name: _allocated_growth(name, maps, device) for name in FORMS}
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        return {name: processes.apply(_resident_growth, (name, maps)) for name in FORMS}


def _resident_growth(name: str, maps: Maps) -> float:
    """Runs in a process of its own.

    A step on small maps starts threads and loads kernels. Ballast lifts the resident memory above every earlier peak,
    the one that a new process inherits of its parent included: else the first part of the growth would not show.
    """
    small, ready = Maps(2, 4, maps.side).draw("cpu"), maps.draw("cpu")
    step(FORMS[name](*small), small[0])
    form = FORMS[name](*ready)
    ballast = torch.ones(BALLAST_MEBIBYTES * MEBIBYTE, dtype=torch.uint8)
    before = _peak_resident_mebibytes()
    step(form, ready[0])
    after = _peak_resident_mebibytes()
    del ballast
    return after - before


def _peak_resident_mebibytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MEBIBYTE if sys.platform == "darwin" else peak / 1024  # bytes on macOS, else KiB


def _allocated_growth(name: str, maps: Maps, device: str) -> float:
    student, teacher = maps.draw(device)
    form = FORMS[name](student, teacher)
    step(form, student)
    student.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step(form, student)
    return (torch.cuda.max_memory_allocated() - before) / MEBIBYTE


def benchmark(maps: Maps, device: str, rounds: int) -> dict[str, dict[str, object]]:
    """By form: milliseconds, peak of memory, and both as shares of the textbook form's, round by round."""
    peaks = measure_peak_mebibytes(maps, device)  # first: later this process holds memory that new ones inherit as peak
    times = measure_milliseconds(maps, device, rounds)
    return {
        name: {
            "milliseconds": asdict(Spread.of(times[name])),
            "time_ratio": asdict(
                Spread.of([own / other for own, other in zip(times[name], times["textbook"], strict=True)])
            ),
            "peak_mebibytes": peaks[name],
            "memory_ratio": peaks[name] / peaks["textbook"],
        }
        for name in FORMS
    }


def table(results: Mapping[str, Mapping[str, object]]) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| form | ms, median (quartiles) | n | time / textbook's (quartiles) | peak MiB | memory / textbook's |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        milliseconds, ratio = Spread(**result["milliseconds"]), Spread(**result["time_ratio"])
        lines.append(
            f"| {name} | {milliseconds.median:.4g} "
            f"({milliseconds.lower_quartile:.4g} to {milliseconds.upper_quartile:.4g}) | {milliseconds.n} "
            f"| {ratio.median:.3g} ({ratio.lower_quartile:.3g} to {ratio.upper_quartile:.3g}) "
            f"| {result['peak_mebibytes']:.4g} | {result['memory_ratio']:.3g} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and write the numbers where wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, default=64, help="images")
    parser.add_argument("--channels", type=int, default=256, help="of both maps")
    parser.add_argument("--side", type=int, default=8, help="height and width of both maps")
    parser.add_argument("--rounds", type=int, default=10, help="measurements of each form, at least 2")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU; README.md says why one")
    parser.add_argument("--output", type=Path, help="a JSON file for the numbers")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds must be at least 2: quartiles need it")
    torch.set_num_threads(arguments.threads)
    maps = Maps(arguments.batch, arguments.channels, arguments.side)
    results = benchmark(maps, arguments.device, arguments.rounds)
    sys.stdout.write(table(results) + "\n")
    if arguments.output:
        facts = {"device": arguments.device, "torch": torch.__version__, "threads": torch.get_num_threads()}
        arguments.output.write_text(json.dumps({**facts, "maps": asdict(maps), "forms": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
