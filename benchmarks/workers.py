"""How much sooner two worker processes finish a study than one.

The study: some candidates of the default space on scikit-learn's digits, plain and distilled (``kd``, ``nst``), with an
empty store and no cached teacher targets; starting the workers and precomputing the targets count. Numbers of workers
take turns.

    python benchmarks/workers.py
    python benchmarks/workers.py --workers 1 4 --kind dask --rounds 5 --output workers.json

Run from the project's folder: space and settings are those of ``conf/base``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from mf_nas_kd.images import SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import EvaluationRequest, Fidelity
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Architecture, build_space
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings, train_teacher
from mf_nas_kd.workers import ExecutorSettings, open_executor

DISTILLATIONS = ("none", "kd", "nst")


class Study:
    """What is trained, again and again from nothing."""

    def __init__(self, candidates: int, epochs: int) -> None:
        names = ("space", "training", "augmentation", "distillation")
        files = (Path(f"conf/base/parameters_{name}.yml") for name in names)
        parameters = {key: value for file in files for key, value in yaml.safe_load(file.read_text()).items()}
        self._images = load_images("digits", validation_fraction=0.25, test_fraction=0.25, seed=0, folder=None)
        self._order = SubsetOrder.draw(self._images.train, seed=0)
        self._settings = TrainingSettings.model_validate(
            {**parameters["training"], **{name: parameters[name] for name in ("augmentation", "distillation")}}
        )
        space = build_space("mobilenet_v2", parameters["space"]["choices"]["mobilenet_v2"])
        rng = numpy_generator(0, "benchmark")
        sampled: dict[str, Architecture] = {}
        while len(sampled) < candidates:
            architecture = space.sample(rng)
            sampled[architecture.id] = architecture
        fidelities = [Fidelity(Fraction(1, 3), epochs, distillation=name) for name in DISTILLATIONS]
        self._requests = [EvaluationRequest(a, fidelity, 0) for fidelity in fidelities for a in sampled.values()]
        self._teacher = self._train_teacher()

    def run(self, kind: str, workers: int) -> float:
        """Seconds of a whole study."""
        options = {"inline": {}, "processes": {}, "dask": {"scheduler": None, "resources": {}}}
        limits = {"timeout_factor": 20, "timeout_seconds": 3600}
        settings = ExecutorSettings(kind=kind, workers=workers, options=options, **limits)
        with tempfile.TemporaryDirectory() as folder:
            evaluator = TrainingEvaluator(
                self._images, self._order, self._settings, self._teacher, Path(folder) / "targets"
            )
            store = EvaluationStore(f"sqlite:///{folder}/store.db")
            started = time.perf_counter()
            with open_executor(settings, evaluator) as pool:
                found = run_evaluations(self._requests, evaluator, pool, store, _ignore, False, False)
            seconds = time.perf_counter() - started
        failed = [evaluation.error for evaluation in found if not evaluation.finished]
        if failed:
            raise RuntimeError(f"{len(failed)} trainings failed: {failed[0]}")
        return seconds

    def _train_teacher(self) -> TrainedNetwork:
        fields = {"stem": 16, "stages": [16, 32, 64], "blocks": 1}
        settings = self._settings
        return train_teacher(
            self._images, "residual", fields, settings.hyper_parameters, 2, 0, settings.device, settings.augmentation
        ).network


def _ignore(_: Any) -> None:
    pass


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="processes", choices=("processes", "dask"))
    parser.add_argument("--workers", nargs=2, type=int, default=[1, 2], help="two numbers to compare")
    parser.add_argument("--candidates", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    study = Study(arguments.candidates, arguments.epochs)
    seconds: dict[int, list[float]] = {workers: [] for workers in arguments.workers}
    for _ in range(arguments.rounds):
        for workers in arguments.workers:
            seconds[workers].append(study.run(arguments.kind, workers))
    few, many = (seconds[workers] for workers in arguments.workers)
    ratios = [slow / fast for slow, fast in zip(few, many, strict=True)]
    for workers in arguments.workers:
        print(f"{workers} workers: {', '.join(f'{s:.1f}' for s in seconds[workers])} s")  # noqa: T201
    print(f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}, n = {len(ratios)}")  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps({"seconds": seconds, "ratios": ratios}, indent=1))


if __name__ == "__main__":
    main()
