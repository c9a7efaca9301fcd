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
from mf_nas_kd.training import step as step_module
from mf_nas_kd.training.speed_ups import ALL
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


class Replay:
    """A graph of a machine without a GPU: a replay is the step itself."""

    def __init__(self):
        self.step = inspect.currentframe().f_back.f_locals["self"]

    def replay(self):
        self.step._update(self.step._drawn, self.step._progress)


@pytest.fixture
def pretended_cuda(monkeypatch):
    """Warming up happens for real; streams and graphs do nothing."""
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Replay)
    monkeypatch.setattr(torch.cuda, "Stream", lambda _: SimpleNamespace(wait_stream=lambda _: None))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: SimpleNamespace(wait_stream=lambda _: None))
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())


@pytest.mark.parametrize("name", CAPTURABLE)
def test_what_comes_before_a_capture_leaves_no_trace(
    network, resident, settings, teacher, monkeypatch, pretended_cuda, name
):
    captured, single = losses_of_both(network, resident, settings, teacher, monkeypatch, name)
    assert captured == pytest.approx(single, rel=1e-6)


class OnCuda:
    """Images on the CPU that say they are on a GPU when a step is chosen."""

    def __init__(self, images):
        self._images = images
        self.device = SimpleNamespace(type="cuda")

    def __getattr__(self, name):
        return getattr(self._images, name)


@pytest.fixture
def steps_are_captured(monkeypatch, pretended_cuda):
    """Trainings on the CPU that capture their steps; gives the failures of captures, and the number of tries."""
    state = SimpleNamespace(failure=None, tries=0)
    monkeypatch.setattr(step_module, "_not_captured", set())

    class Capture:
        def __enter__(self):
            state.tries += 1

        def __exit__(self, *_):
            if state.failure is not None:  # torch finds most of them when a capture ends
                raise state.failure

    def prepare(network, images, objective, optimiser, first_batch, steps):
        monkeypatch.setattr(step_module, "CapturedStep", lambda n, i, *others: CapturedStep(n, images, *others))
        monkeypatch.setattr(step_module, "Step", lambda n, i, *others: Step(n, images, *others))
        return prepare_step(network, OnCuda(images), objective, optimiser, first_batch, 1000)

    monkeypatch.setattr(torch.cuda, "graph", lambda _: Capture())
    monkeypatch.setattr(engine_module, "prepare_step", prepare)
    return state


def trained(network, images, settings, teacher, name, **changes):
    """Weights and epoch losses of a training from the same weights."""
    student = copy.deepcopy(network)
    objective, speed_ups = objective_of(name, student, teacher, images.device), ALL.model_copy(update=changes)
    result = fit(student, images, objective, settings.hyper_parameters, 2, seed=0, speed_ups=speed_ups)
    return result.epoch_losses, student.state_dict()


def assert_same(first, second):
    assert first[0] == second[0]
    for name, weights in first[1].items():
        assert torch.equal(weights, second[1][name]), name


@pytest.mark.parametrize("failure", [RuntimeError("not permitted"), torch.AcceleratorError("capture unsupported")])
@pytest.mark.parametrize("name", ["none", "kd", "hint"])
def test_a_step_that_cannot_be_captured_is_made_plainly_with_the_same_result_and_one_warning(
    network, resident, settings, teacher, steps_are_captured, caplog, name, failure
):
    plain = trained(network, resident, settings, teacher, name, capture_steps=False)
    assert steps_are_captured.tries == 0
    steps_are_captured.failure = failure
    for _ in range(2):
        assert_same(trained(network, resident, settings, teacher, name), plain)
    assert steps_are_captured.tries == 1, "another training of this objective tried again"
    assert caplog.text.count("cannot be captured") == 1
    assert ("plain cross-entropy" if name == "none" else f"the loss {name}") in caplog.text
    assert "training.capture_steps: false" in caplog.text


def test_a_loss_that_cannot_be_captured_says_nothing_of_other_losses(
    network, resident, settings, teacher, steps_are_captured
):
    steps_are_captured.failure = RuntimeError("not permitted")
    trained(network, resident, settings, teacher, "kd")
    trained(network, resident, settings, teacher, "attention")
    assert steps_are_captured.tries == 2


def test_a_device_without_memory_for_a_capture_is_no_property_of_the_loss(
    network, resident, settings, teacher, steps_are_captured
):
    steps_are_captured.failure = torch.OutOfMemoryError("out of memory")
    for tries in (1, 2):
        with pytest.raises(torch.OutOfMemoryError):
            trained(network, resident, settings, teacher, "kd")
        assert steps_are_captured.tries == tries


@pytest.mark.parametrize("change", [{"capture_steps": False}, {"fused_optimiser": False}])
def test_capturing_can_be_switched_off_and_needs_the_fused_optimiser(
    network, resident, settings, teacher, steps_are_captured, change
):
    trained(network, resident, settings, teacher, "kd", **change)
    assert steps_are_captured.tries == 0
    trained(network, resident, settings, teacher, "kd")
    assert steps_are_captured.tries == 1
