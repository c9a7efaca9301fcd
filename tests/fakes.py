"""An evaluator without training, importable by worker processes."""

import os
import signal
import time
from pathlib import Path

from mf_nas_kd.records import Costs, Evaluation, Metrics
from mf_nas_kd.seeding import derive_seed, fingerprint
from mf_nas_kd.workers import ExecutorSettings


class FakeEvaluator:
    """Accuracies are a function of the key.

    Args:
        deadly: A file; as long as there is none, the first evaluation makes it and kills its process.
        always_deadly: Architectures whose evaluation always kills.
        broken: Architectures whose evaluation raises what no machine is to blame for.
        breaks_gpu: A file; as long as there is none, the first evaluation makes it, and from then on every evaluation
            of its process fails.
        delay: Seconds an evaluation takes.
    """

    def __init__(
        self, deadly: Path | None = None, always_deadly=(), broken=(), delay=0.0, breaks_gpu: Path | None = None
    ):
        self.deadly, self.always_deadly, self.broken, self.delay = deadly, always_deadly, broken, delay
        self.breaks_gpu = breaks_gpu

    def key(self, architecture, fidelity, seed):
        return fingerprint([architecture.id, str(fidelity), seed], length=32)

    def evaluate(self, architecture, fidelity, seed):
        time.sleep(self.delay)
        if self.deadly is not None and not self.deadly.exists():
            self.deadly.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.breaks_gpu is not None:
            if not self.breaks_gpu.exists():
                self.breaks_gpu.write_text(str(os.getpid()))
            if self.breaks_gpu.read_text() == str(os.getpid()):
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if architecture.id in self.always_deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if architecture.id in self.broken:
            raise RuntimeError("a mistake of the evaluator")
        accuracy = derive_seed(seed, architecture.id, str(fidelity)) % 1000 / 1000
        return self._record(architecture, fidelity, seed, accuracy, "")

    def prepare(self, requests, workers):
        return iter(())

    def failure(self, architecture, fidelity, seed, error):
        return self._record(architecture, fidelity, seed, None, error)

    def _record(self, architecture, fidelity, seed, accuracy, error):
        return evaluation(self.key(architecture, fidelity, seed), architecture, fidelity, seed, accuracy, error)


def evaluation(key, architecture, fidelity, seed, accuracy, error="", cost_seconds=None, macs=1000, balanced=None):
    """A record of a training that nobody made."""
    return Evaluation(
        key=key,
        architecture=architecture,
        fidelity=fidelity,
        seed=seed,
        dataset="fake",
        dataset_fingerprint="d",
        teacher_fingerprint="",
        status="failed" if error else "finished",
        error=error,
        metrics=Metrics(accuracy, accuracy, balanced, balanced),
        cost_seconds=float(fidelity.image_passes) if cost_seconds is None else cost_seconds,
        lost_seconds=0.0,
        costs=Costs(macs, params=100),
        device="cpu",
        code_version="0",
        finished_at="2026-01-01T00:00:00+00:00",
    )


def executor_settings(kind, workers=2, scheduler=None, resources=(), timeout_factor=20, timeout_seconds=3600):
    options = {"inline": {}, "processes": {}, "dask": {"scheduler": scheduler, "resources": dict(resources)}}
    limits = {"timeout_factor": timeout_factor, "timeout_seconds": timeout_seconds}
    return ExecutorSettings(kind=kind, workers=workers, options=options, **limits)


def process(evaluator, seconds=0.0):
    """A task: where it was, and from when to when."""
    begun = time.time()
    time.sleep(seconds)
    return os.getpid(), begun, time.time()


def visible_gpus(evaluator):
    """A task."""
    time.sleep(0.3)
    return os.environ.get("CUDA_VISIBLE_DEVICES")
