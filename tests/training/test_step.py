"""A captured step is the step."""

import copy
import inspect
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from mf_nas_kd.distillation import LOSSES, build_loss, published_options
from mf_nas_kd.images import ResidentImages
from mf_nas_kd.networks import rebuild
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher import OnlineTargets
from mf_nas_kd.training import DistillationConfiguration, DistillationTerm, Objective, fit
from mf_nas_kd.training import engine as engine_module
from mf_nas_kd.training.step import CapturedStep, Step, prepare_step

CAPTURABLE = [name for name, loss in LOSSES.items() if loss.capturable]
needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU of NVIDIA's")


FIRST_BATCH = torch.arange(16), torch.zeros(16, dtype=torch.int64)


def objective_of(name, network, teacher, device):
    if name == "none":
        return Objective(0.0)
    expert = rebuild(teacher).to(device)
    student, other = (TapShapes.of(forward_empty_batch(n, (1, 8, 8))) for n in (network, expert))
    with torch_seeded(0, "test"):
        loss = build_loss(name, student=student, teacher=other, num_images=70).to(device)
    configuration = DistillationConfiguration(
        loss=name,
        cross_entropy_weight=1.0,
        loss_weight="gradient_norm",
        loss_warmup_fraction=0.5,
        options=published_options(name),
    )
    return Objective(0.0, DistillationTerm(configuration, loss, OnlineTargets(expert, loss), 1.0)).to(device)


def test_on_a_cpu_nothing_is_captured(network, resident):
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    assert type(prepare_step(network, resident, Objective(0.0), optimiser, FIRST_BATCH, 1000)) is Step


def losses_of_both(network, images, settings, teacher, monkeypatch, name):
    """Epoch losses of a training by captured steps, and of one by single steps."""
    results = []
    for kind in (CapturedStep, Step):
        student = copy.deepcopy(network).to(images.device)
        objective = objective_of(name, student, teacher, images.device)

        def prepare(network, images, objective, optimiser, first_batch, steps, kind=kind):
            extra = (first_batch,) if kind is CapturedStep else ()
            return kind(network, images, objective, optimiser, *extra)

        monkeypatch.setattr(engine_module, "prepare_step", prepare)
        results.append(fit(student, images, objective, settings.hyper_parameters, 3, seed=0).epoch_losses)
    return results


@needs_a_gpu
@pytest.mark.parametrize("name", CAPTURABLE)
def test_a_captured_training_is_that_of_single_steps(network, digits, settings, teacher, monkeypatch, name):
    augmentation, cuda = settings.augmentation.build(), torch.device("cuda")
    images = ResidentImages(digits.train[torch.arange(70)], augmentation, digits.pixel_statistics, cuda)
    captured, single = losses_of_both(network, images, settings, teacher, monkeypatch, name)
    assert captured == pytest.approx(single, rel=1e-2)


@pytest.mark.parametrize("name", CAPTURABLE)
def test_what_comes_before_a_capture_leaves_no_trace(network, resident, settings, teacher, monkeypatch, name):
    """Without a GPU: warming up happens for real, and a replay is the step itself."""

    class Replay:
        def replay(self):
            step = self.step
            step._update(step._positions, step._augmentations, step._progress)

    def graph():
        recorded = Replay()
        recorded.step = inspect.currentframe().f_back.f_locals["self"]
        return recorded

    monkeypatch.setattr(torch.cuda, "CUDAGraph", graph)
    monkeypatch.setattr(torch.cuda, "Stream", lambda _: SimpleNamespace(wait_stream=lambda _: None))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: SimpleNamespace(wait_stream=lambda _: None))
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    captured, single = losses_of_both(network, resident, settings, teacher, monkeypatch, name)
    assert captured == pytest.approx(single, rel=1e-6)
