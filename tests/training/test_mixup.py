"""Mixed images: what is drawn, what student, teacher and cross-entropy see, and what is refused."""

import copy
from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from mf_nas_kd.distillation import LOSSES, build_loss
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Batch, Draws, Mixture, PairIndex, ResidentImages, mixtures
from mf_nas_kd.networks import rebuild
from mf_nas_kd.taps import Taps, TapShapes
from mf_nas_kd.teacher import OnlineTargets
from mf_nas_kd.teacher.targets import CachedTargets
from mf_nas_kd.training import DistillationConfiguration, DistillationTerm, Objective, fit, require_mixable
from mf_nas_kd.training import engine as engine_module

CPU = torch.device("cpu")
SHAPES = TapShapes(classes=10, embedding=16, maps=())
EPOCHS = 2


@pytest.fixture
def mixing(settings):
    return settings.hyper_parameters.model_copy(update={"mixup": 0.4})


@pytest.fixture
def without_mixing(monkeypatch):
    """Every image has the whole share of its mixture."""

    def whole(draws, alpha):
        for partners, shares in mixtures(draws, alpha):
            yield partners, torch.ones_like(shares)

    monkeypatch.setattr(engine_module, "mixtures", whole)


class Watched(Objective):
    """Keeps the batches."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = []

    def forward(self, taps, batch, progress=1.0):
        self.seen.append(batch)
        return super().forward(taps, batch, progress)


@given(
    images=st.integers(1, 40),
    batch_size=st.integers(1, 16),
    seed=st.integers(0, 5),
    alpha=st.floats(0.001, 100),
)
def test_what_is_drawn(images, batch_size, seed, alpha):
    draws = Draws.of(images, 9, batch_size, seed)
    again = islice(mixtures(draws, alpha), 3)
    for drawn, mixed, repeated in zip(islice(draws.epochs(), 3), mixtures(draws, alpha), again, strict=False):
        partners, shares = mixed
        assert len(partners) == len(shares) == len(drawn[0])
        assert all(torch.equal(*pair) for pair in zip(mixed, repeated, strict=True))
        assert ((shares >= 0) & (shares <= 1)).all()
        for part, share in zip(partners.split(draws.batch_size), shares.split(draws.batch_size), strict=True):
            assert sorted(part.tolist()) == list(range(draws.batch_size))
            assert len(share.unique()) == 1


def test_shares_are_those_of_the_beta_distribution():
    """Mean 1/2, variance 1/(4(2α + 1)): the bounds are five standard errors, for one seed."""
    draws, alpha = Draws.of(4000, 1, 1, 0), 0.4
    shares = next(mixtures(draws, alpha))[1].double()
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(shares.mean() - 0.5) < 5 * (variance / 4000) ** 0.5
    assert abs(shares.var() - variance) < 0.01


def test_other_seeds_draw_other_mixtures_and_the_same_images(network, resident, settings, mixing):
    partners = [next(mixtures(Draws.of(70, 9, 16, seed), 0.4))[0] for seed in (0, 1)]
    assert not torch.equal(*partners)
    plain, mixed = Watched(0.0), Watched(0.0)
    fit(copy.deepcopy(network), resident, plain, settings.hyper_parameters, EPOCHS, 0)
    fit(network, resident, mixed, mixing, EPOCHS, 0)
    assert all(torch.equal(a.positions, b.positions) for a, b in zip(plain.seen, mixed.seen, strict=True))
    assert all(torch.equal(a.augmentations, b.augmentations) for a, b in zip(plain.seen, mixed.seen, strict=True))
    assert all(batch.mixture is None for batch in plain.seen)


@pytest.mark.parametrize("image_size", [None, (5, 5)])
def test_a_batch_is_mixed_as_it_is_written(digits, settings, image_size):
    augmentation = settings.augmentation.build()
    images = ResidentImages(digits.train, augmentation, digits.pixel_statistics, CPU, image_size)
    positions, rows = torch.arange(6), torch.tensor([0, 3, 8, 1, 5, 2])
    partners, shares = torch.tensor([2, 0, 1, 5, 4, 3]), torch.full((6,), 0.3)
    plain, mixed = images.batch(positions, rows), images.batch(positions, rows, partners, shares)
    for part in ("images", "teacher_images"):
        own = getattr(plain, part)
        expected = 0.3 * own + 0.7 * own[partners]  # of the student's too: averages over areas are linear
        torch.testing.assert_close(getattr(mixed, part), expected, rtol=1e-5, atol=1e-6)
        assert getattr(mixed, part).stride() == own.stride()
    assert torch.equal(mixed.labels, plain.labels)
    assert torch.equal(mixed.mixture.partner_labels, plain.labels[partners])


@pytest.mark.parametrize("image_size", [None, (5, 5)])
def test_the_teacher_sees_the_mixture_that_the_student_sees(network, digits, settings, teacher, mixing, image_size):
    augmentation = settings.augmentation.build()
    images = ResidentImages(digits.train[torch.arange(70)], augmentation, digits.pixel_statistics, CPU, image_size)
    expert, seen = rebuild(teacher), {"student": [], "teacher": []}
    for name, watched in (("student", network), ("teacher", expert)):
        watched.register_forward_pre_hook(lambda _, arguments, name=name: seen[name].append(arguments[0]))
    loss = build_loss("kd", student=SHAPES, teacher=SHAPES, num_images=70)
    term = DistillationTerm(settings.distillation["kd"], loss, OnlineTargets(expert, loss), 1.0)
    objective = Watched(0.0, term)
    steps = fit(network, images, objective, mixing, EPOCHS, 0).steps
    assert len(seen["teacher"]) == steps
    for ours, theirs, batch in zip(seen["student"][:steps], seen["teacher"], objective.seen, strict=True):
        same = functional.adaptive_avg_pool2d(theirs, image_size) if image_size else theirs
        assert torch.equal(ours, same)
        assert not torch.equal(theirs, images.batch(batch.positions, batch.augmentations).teacher_images)


@given(
    share=st.floats(0, 1, width=32),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 100),
)
def test_the_cross_entropy_is_that_of_mixed_labels(share, smoothing, seed):
    """``-sum p log q`` with smoothed and mixed probabilities, by hand."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(8, 5, generator=generator)
    labels, others = (torch.randint(5, (8,), generator=generator) for _ in range(2))
    shares, nothing = torch.full((8,), share), torch.empty(8, 0)
    batch = Batch(nothing, labels, labels, labels, nothing, Mixture(shares, others))
    wanted = share * functional.one_hot(labels, 5) + (1 - share) * functional.one_hot(others, 5)
    wanted = (1 - smoothing) * wanted + smoothing / 5
    expected = -(wanted * logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(Objective(smoothing)(Taps(logits, logits, ()), batch), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_the_whole_share_nothing_is_mixed(network, resident, settings, mixing, without_mixing, smoothing):
    """Up to the order in which the losses of a batch are added up."""
    plain, mixed = Watched(smoothing), Watched(smoothing)
    first = fit(copy.deepcopy(network), resident, plain, settings.hyper_parameters, EPOCHS, 0)
    second = fit(network, resident, mixed, mixing, EPOCHS, 0)
    assert first.epoch_losses == pytest.approx(second.epoch_losses, rel=1e-3)
    for ours, theirs in zip(plain.seen, mixed.seen, strict=True):
        assert torch.equal(ours.images, theirs.images)
        assert theirs.mixture is not None


def test_the_same_seed_gives_the_same_network(network, resident, mixing):
    first, second = copy.deepcopy(network), copy.deepcopy(network)
    losses = [fit(each, resident, Objective(0.0), mixing, EPOCHS, 0).epoch_losses for each in (first, second)]
    assert losses[0] == losses[1]
    assert all(torch.equal(first.state_dict()[name], second.state_dict()[name]) for name in first.state_dict())


def test_normalisation_is_recalibrated_with_images_that_are_not_mixed(network, resident, mixing, monkeypatch):
    seen = []

    def recalibrate(_network, batches):
        seen.extend(batches)

    monkeypatch.setattr(engine_module, "recalibrate_normalisation", recalibrate)
    fit(network, resident, Objective(0.0), mixing, 1, 0)
    assert len(seen) > 0
    assert all(batch.mixture is None for batch in seen)


@pytest.mark.parametrize("name", ["dkd", "crd"])
def test_losses_that_need_labels_or_positions_are_refused(network, resident, settings, mixing, name):
    loss = LOSSES[name]
    configuration = DistillationConfiguration(
        loss=name, cross_entropy_weight=1.0, loss_weight=1.0, loss_warmup_fraction=0.0, options=loss.published
    )
    require_mixable(configuration, 0.0)
    with pytest.raises(InvalidValueError, match=rf"mixup is 0.4, but must be 0 with the loss {name}, which needs"):
        require_mixable(configuration, 0.4)
    term = DistillationTerm(configuration, torch.nn.Identity(), None, 1.0)
    with pytest.raises(InvalidValueError, match="mixup is 0.4"):
        fit(network, resident, Objective(0.0, term), mixing, 1, 0)


def test_targets_of_a_cache_are_refused_for_mixtures(digits, settings):
    images = ResidentImages(digits.train, settings.augmentation.build(), digits.pixel_statistics, CPU)
    rows = torch.zeros(4, dtype=torch.int64)
    batch = images.batch(torch.arange(4), rows, torch.tensor([1, 0, 3, 2]), torch.full((4,), 0.5))
    cached = CachedTargets(torch.zeros(4, 10, dtype=torch.float16), PairIndex(1), torch.arange(4), torch.arange(4))
    with pytest.raises(InvalidValueError, match="targets of mixtures are not cached"):
        cached(batch)
