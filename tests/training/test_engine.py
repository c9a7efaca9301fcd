import copy
import importlib
import os

import pytest
import torch
from torch.nn import functional

from mf_nas_kd import device as device_module
from mf_nas_kd.device import autocast_dtype, mixed_precision
from mf_nas_kd.distillation import build_loss
from mf_nas_kd.errors import InvalidValueError, TrainingFailedError
from mf_nas_kd.images import Identity, LabelledImages, ResidentImages
from mf_nas_kd.networks import rebuild
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.seeding import derive_seed
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher import OnlineTargets
from mf_nas_kd.training import (
    DistillationTerm,
    Objective,
    choose_device,
    fit,
    measure_accuracy,
    reproducible,
)
from mf_nas_kd.training import engine as engine_module
from mf_nas_kd.training.speed_ups import ALL

CPU = torch.device("cpu")
needs_mps = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="MPS needs a GPU of Apple's")
SHAPES = TapShapes(classes=10, embedding=16, maps=())


def test_the_same_seed_gives_the_same_network(network, resident, settings):
    first, second, other = (copy.deepcopy(network) for _ in range(3))
    losses = [
        fit(n, resident, Objective(0.0), settings.hyper_parameters, 2, s).epoch_losses
        for n, s in ((first, 0), (second, 0), (other, 1))
    ]
    assert losses[0] == losses[1] != losses[2]
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, second.state_dict()[name]), name


@pytest.mark.parametrize("distillation", ["none", "kd"])
def test_the_loop_equals_a_textbook_loop_with_the_same_batches(network, digits, settings, teacher, distillation):
    """Channels first, the teacher's forward pass in single precision in each step, ``item()`` in each step."""
    resident = ResidentImages(
        digits.train[torch.arange(64)], settings.augmentation.build(), digits.pixel_statistics, CPU
    )
    hyper_parameters, epochs, seed = settings.hyper_parameters, 2, 3
    ours, textbook, expert = network, copy.deepcopy(network), rebuild(teacher)
    objective = Objective(0.0)
    if distillation == "kd":
        loss = build_loss("kd", student=SHAPES, teacher=SHAPES, num_images=70)
        term = DistillationTerm(settings.distillation["kd"], loss, OnlineTargets(expert, loss), 1.0)
        objective = Objective(0.0, term)
    result = fit(ours, resident, objective, hyper_parameters, epochs, seed)

    generator = torch.Generator().manual_seed(derive_seed(seed, "batches"))
    textbook.train()
    decayed = [p for p in textbook.parameters() if p.ndim > 1]
    others = [p for p in textbook.parameters() if p.ndim <= 1]
    velocity = {p: torch.zeros_like(p) for p in textbook.parameters()}
    step, losses, total = 0, [], 8
    warm = 1  # the ceiling of a tenth of eight steps
    for _ in range(epochs):
        order = torch.randperm(64, generator=generator)
        augmentations = torch.randint(9, (64,), generator=generator)
        losses.append(0.0)
        for start in range(0, 64, 16):
            batch = resident.batch(order[start : start + 16], augmentations[start : start + 16])
            logits = textbook(batch.images.contiguous()).logits
            loss = functional.cross_entropy(logits, batch.labels)
            if distillation == "kd":
                with torch.no_grad():
                    wanted = functional.softmax(expert(batch.images.contiguous()).logits / 4, dim=1)
                divergence = functional.kl_div(functional.log_softmax(logits / 4, dim=1), wanted, reduction="batchmean")
                loss = 0.1 * loss + 0.9 * 16 * divergence
            losses[-1] += loss.item() / 4
            gradients = torch.autograd.grad(loss, [*decayed, *others])
            progress = torch.tensor(torch.pi * (step - warm) / (total - warm))
            rate = hyper_parameters.learning_rate * (
                (step + 1) / warm if step < warm else 0.5 * (1 + progress.cos().item())
            )
            with torch.no_grad():
                for position, (p, g) in enumerate(zip([*decayed, *others], gradients, strict=True)):
                    g = g + hyper_parameters.weight_decay * p if position < len(decayed) else g
                    velocity[p].mul_(hyper_parameters.momentum).add_(g) if step else velocity[p].copy_(g)
                    p -= rate * (g + hyper_parameters.momentum * velocity[p])
            step += 1
    assert result.steps == step
    assert result.epoch_losses == pytest.approx(losses, rel=1e-4)
    for (name, ours_weights), theirs in zip(ours.named_parameters(), textbook.parameters(), strict=True):
        torch.testing.assert_close(ours_weights, theirs, rtol=1e-3, atol=1e-3, msg=name)  # CPUs round differently


@pytest.mark.slow
def test_learning_lowers_the_loss_and_raises_the_accuracy(network, digits, settings):
    resident = ResidentImages(digits.train, settings.augmentation.build(), digits.pixel_statistics, CPU)
    validation = ResidentImages(digits.validation, Identity(), digits.pixel_statistics, CPU)
    before = measure_accuracy(network, validation)
    result = fit(network, resident, Objective(0.0), settings.hyper_parameters, 3, 0)
    assert result.epoch_losses[-1] < 0.8 * result.epoch_losses[0]
    assert measure_accuracy(network, validation) > before + 0.2


def test_normalisation_is_that_of_the_final_weights(network, resident, settings):
    """After the last step the moving averages equal the statistics of a pass over the images."""
    fit(network, resident, Objective(0.0), settings.hyper_parameters, 2, 0)
    first = network.blocks[0][1]
    seen = []
    hook = network.blocks[0][0].register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    for row in range(9):
        network.eval()(resident.batch(torch.arange(70), torch.full((70,), row)).images)
    hook.remove()
    expected = torch.cat(seen).mean(dim=(0, 2, 3))
    spread = torch.cat(seen).std(dim=(0, 2, 3))
    assert ((first.running_mean - expected).abs() < 0.15 * spread).all()
    assert first.momentum == pytest.approx(0.1)


def test_a_loss_that_is_not_finite_ends_the_training(network, resident, settings):
    exploding = settings.hyper_parameters.model_copy(update={"learning_rate": 1e9})
    with pytest.raises(TrainingFailedError, match=r"the mean loss of epoch \d is (nan|inf)"):
        fit(network, resident, Objective(0.0), exploding, 20, 0)


@pytest.mark.parametrize(("images", "epochs"), [(70, 1), (70, 3), (63, 4), (31, 2), (17, 3), (16, 2)])
def test_every_image_is_trained_on_in_every_epoch(network, digits, settings, images, epochs):
    """Batches of 16: all images as often as there are epochs, fewer than a batch once more."""
    batch_size, seen, reported, progress = settings.hyper_parameters.batch_size, [], [], []

    class Watched(Objective):
        def forward(self, taps, batch, progress=1.0):
            assert len(batch.positions) == len(batch.positions.unique()) == batch_size
            seen.append(batch.positions)
            return super().forward(taps, batch, progress)

    few = ResidentImages(digits.train[torch.arange(images)], Identity(), digits.pixel_statistics, CPU)
    result = fit(
        network,
        few,
        Watched(0.0),
        settings.hyper_parameters,
        epochs,
        0,
        lambda epoch, loss: reported.append((epoch, loss, len(seen))),
        progress.append,
    )
    times = torch.cat(seen).bincount(minlength=images)
    assert times.min() == epochs
    assert times.max() <= epochs + 1
    assert 0 <= times.sum() - epochs * images < batch_size
    assert result.steps == len(seen)
    assert [epoch for epoch, *_ in reported] == list(range(1, epochs + 1))
    assert tuple(loss for _, loss, _ in reported) == result.epoch_losses
    assert [0 <= steps * batch_size - epoch * images < batch_size for epoch, _, steps in reported] == [True] * epochs
    assert progress == [step / len(seen) for step in range(1, len(seen) + 1)]


def test_the_loss_of_an_epoch_is_the_mean_over_its_steps(network, digits, settings):
    """24 images in batches of 16 are three steps in two epochs: two in the first."""
    losses = []

    class Watched(Objective):
        def forward(self, taps, batch, progress=1.0):
            losses.append(super().forward(taps, batch, progress))
            return losses[-1]

    few = ResidentImages(digits.train[torch.arange(24)], Identity(), digits.pixel_statistics, CPU)
    result = fit(network, few, Watched(0.0), settings.hyper_parameters, 2, 0)
    first, second, third = (loss.item() for loss in losses)
    assert result.epoch_losses == pytest.approx(((first + second) / 2, third), rel=1e-6)


def test_a_subset_smaller_than_a_batch_is_one_batch(network, digits, settings):
    few = ResidentImages(digits.train[torch.arange(5)], Identity(), digits.pixel_statistics, CPU)
    assert fit(network, few, Objective(0.0), settings.hyper_parameters, 3, 0).steps == 3


def test_nothing_to_train_on_is_refused(network, resident, settings):
    with pytest.raises(InvalidValueError, match=r"\(epochs, images\) is \(0, 70\)"):
        fit(network, resident, Objective(0.0), settings.hyper_parameters, 0, 0)


def test_accuracy_by_hand(digits):
    class SaysThree(torch.nn.Module):
        def forward(self, images):
            from mf_nas_kd.taps import Taps

            logits = torch.zeros(len(images), 10)
            logits[:, 3] = 1
            return Taps(logits, logits, ())

    labels = torch.tensor([3, 3, 1, 0])
    images = LabelledImages(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), labels)
    assert measure_accuracy(SaysThree(), ResidentImages(images, Identity(), ((0.0,), (1.0,)), CPU)) == 0.5


def test_devices():
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in {"cpu", "cuda"}
    with pytest.raises(
        InvalidValueError, match="device is 'tpu', but must be auto or one of those that are available: .*cpu"
    ):
        choose_device("tpu")


def test_auto_is_not_mps_which_has_to_be_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == CPU
    assert choose_device("mps").type == "mps"


@needs_mps
@pytest.mark.parametrize("name", ["none", "kd", "attention"])
def test_a_training_on_mps_is_that_on_the_cpu_up_to_rounding(network, digits, settings, teacher, name):
    """With gradient norms matched, which need more than float32."""
    losses = []
    for device in (CPU, torch.device("mps")):
        student, expert = copy.deepcopy(network).to(device), rebuild(teacher).to(device)
        images = ResidentImages(
            digits.train[torch.arange(70)], settings.augmentation.build(), digits.pixel_statistics, device
        )
        objective = Objective(0.0)
        if name != "none":
            shapes = [TapShapes.of(forward_empty_batch(n, (1, 8, 8))) for n in (student, expert)]
            loss = build_loss(name, student=shapes[0], teacher=shapes[1], num_images=70).to(device)
            configuration = settings.distillation["kd"].model_copy(
                update={"loss": name, "loss_weight": "gradient_norm", "options": loss.options}
            )
            objective = Objective(0.0, DistillationTerm(configuration, loss, OnlineTargets(expert, loss), 1.0))
        with reproducible():
            losses.append(fit(student, images, objective, settings.hyper_parameters, 1, seed=0).epoch_losses)
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_without_the_fused_optimiser_a_training_is_the_same_up_to_rounding(network, resident, settings, monkeypatch):
    used = []

    class Recorded(torch.optim.SGD):
        def __init__(self, *arguments, fused, **options):
            used.append(fused)
            super().__init__(*arguments, fused=fused, **options)

    engine_module.has_fused_optimiser(CPU)
    monkeypatch.setattr(engine_module, "SGD", Recorded)
    losses = [
        fit(
            copy.deepcopy(network), resident, Objective(0.0), settings.hyper_parameters, 2, 0, speed_ups=speed_ups
        ).epoch_losses
        for speed_ups in (ALL, ALL.model_copy(update={"fused_optimiser": False}))
    ]
    assert used == [True, False]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("fails_in", ["__init__", "step"])
def test_a_device_without_fused_optimiser_has_the_plain_one_and_one_warning(
    network, resident, settings, monkeypatch, caplog, fails_in
):
    """Versions of torch differ in when they refuse it."""

    class Unsupported(torch.optim.SGD):
        def __init__(self, *arguments, fused, **options):
            self.fused = fused
            if fused and fails_in == "__init__":
                raise RuntimeError("no kernel")
            super().__init__(*arguments, fused=False, **options)

        def step(self, *arguments):
            if self.fused and fails_in == "step":
                raise RuntimeError("no kernel")
            return super().step(*arguments)

    engine_module.has_fused_optimiser.cache_clear()
    monkeypatch.setattr(engine_module, "SGD", Unsupported)
    try:
        for _ in range(2):
            fit(copy.deepcopy(network), resident, Objective(0.0), settings.hyper_parameters, 1, 0)
    finally:
        engine_module.has_fused_optimiser.cache_clear()
    assert caplog.text.count("no fused optimiser on cpu") == 1


def test_mixed_precision_is_where_the_device_has_it_and_nowhere_if_switched_off(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    cuda = torch.device("cuda")
    assert autocast_dtype(cuda) == torch.bfloat16
    with mixed_precision(False):
        assert autocast_dtype(cuda) == torch.float32
        with mixed_precision("auto"):
            assert autocast_dtype(cuda) == torch.bfloat16
        assert autocast_dtype(cuda) == torch.float32
    assert autocast_dtype(cuda) == torch.bfloat16
    assert autocast_dtype(CPU) == torch.float32


@pytest.mark.parametrize("before", [(False, False), (True, False), (True, True)])
def test_algorithms_are_deterministic_where_there_is_a_gpu_and_as_before_after(monkeypatch, before):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def state():
        return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()

    original = state()
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    try:
        with reproducible():
            assert state() == (True, True)
        assert state() == before
    finally:
        torch.use_deterministic_algorithms(original[0], warn_only=original[1])


@pytest.mark.parametrize(("before", "after"), [(None, ":4096:8"), (":16:8", ":16:8")])
def test_cublas_is_deterministic_before_its_first_use(monkeypatch, before, after):
    """Unless somebody has chosen a workspace."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", before or "")
    if before is None:
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    importlib.reload(device_module)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == after


def test_one_thread_within_and_as_many_as_before_after():
    before = torch.get_num_threads()
    with reproducible():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("rate", [1e20, 1e30])
@pytest.mark.parametrize("distillation", ["none", "kd"])
@pytest.mark.parametrize("images", [16, 70], ids=["one step", "four steps"])
def test_a_training_that_diverged_in_its_last_step_failed_too(
    digits, network, settings, teacher, rate, distillation, images
):
    few = ResidentImages(digits.train[torch.arange(images)], Identity(), digits.pixel_statistics, CPU)
    term = None
    if distillation == "kd":
        loss = build_loss("kd", student=SHAPES, teacher=SHAPES, num_images=images)
        term = DistillationTerm(settings.distillation["kd"], loss, OnlineTargets(rebuild(teacher), loss), 1.0)
    hyper_parameters = settings.hyper_parameters.model_copy(update={"learning_rate": rate})
    with pytest.raises(TrainingFailedError, match="not finite|the mean loss of epoch"):
        fit(network, few, Objective(0.0, term), hyper_parameters, 1, 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_logit_that_is_not_finite_is_no_prediction(digits, network, value):
    validation = ResidentImages(digits.validation, Identity(), digits.pixel_statistics, CPU)
    with torch.no_grad():
        network.classifier.bias[0] = value
    with pytest.raises(
        TrainingFailedError, match=f"the logits of {len(validation)} of {len(validation)} images are not finite"
    ):
        measure_accuracy(network, validation)


def test_the_classifier_runs_in_single_precision_where_the_network_does_not(digits, network):
    images = digits.validation.images[:64].float() / 255
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        taps = network.eval()(images)
    assert taps.maps[-1].dtype == torch.bfloat16
    assert taps.logits.dtype == torch.float32
    expected = functional.linear(taps.embedding.float(), network.classifier.weight, network.classifier.bias)
    assert torch.equal(taps.logits, expected)
