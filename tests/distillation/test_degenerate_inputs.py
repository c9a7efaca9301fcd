"""Inputs at the edge of a definition: equal images, opposite directions, maps too large to pair all positions."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.distillation.logits import SMALLEST_SPREAD
from mf_nas_kd.taps import Taps, TapShapes


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_embedding(embedding):
    batch = len(embedding)
    return Taps(embedding.new_zeros(batch, 3), embedding, (embedding.new_zeros(batch, 1, 1, 1),))


def value_of(name, student, teacher, **options):
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    loss = build_loss(name, **shapes, num_images=10, **options).to(student.embedding.dtype)
    return loss(student, loss.teacher_targets(teacher), torch.arange(len(student.embedding)))


@pytest.mark.parametrize("difference", [0.0, 2e-7])
def test_rkd_of_two_equal_images_has_a_gradient_of_usual_size(difference):
    """A direction between equal images is rounding noise: divided by its length, it would outweigh all others."""
    embedding = drawn(4, 8)
    usual = embedding.clone().requires_grad_()
    equal = embedding.clone()
    equal[1] = equal[0]
    equal[1, 0] += difference
    equal.requires_grad_()
    for student in (usual, equal):
        value_of("rkd", with_embedding(student), with_embedding(drawn(4, 8, seed=1))).backward()
    assert equal.grad.abs().max() < 10 * usual.grad.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pkt_of_opposite_directions_is_finite(dtype):
    """Rounded cosines of opposites are now and then below -1, and the logarithm of a negative number is not defined."""
    teacher = with_embedding(drawn(2, 8).to(dtype))
    for seed in range(50):
        direction = drawn(1, 64, seed=seed).to(dtype)
        student = with_embedding(torch.cat([direction, -3 * direction]))
        assert torch.isfinite(value_of("pkt", student, teacher))


def test_nst_on_maps_of_a_large_image_lists_no_pairs_of_positions(monkeypatch):
    """112 * 112 positions have 79 million pairs, 1.2 GB of indices; the target of maps of 16 channels is the map itself."""

    def refuse(*_):
        pytest.fail("all pairs of positions were listed")

    monkeypatch.setattr(torch, "triu_indices", refuse)
    shapes = TapShapes(classes=10, embedding=8, maps=((16, 112, 112),))
    loss = build_loss("nst", student=shapes, teacher=shapes, num_images=10)
    assert loss.teacher_targets(Taps(drawn(1, 10), drawn(1, 8), (drawn(1, 16, 112, 112),))).shape == (1, 16 * 112 * 112)


STANDARDISED = {"kd": {"temperature": 2.0, "standardise_logits": True}, "dist": {}}
"""Losses that do not change with the scale of the student's logits, and the options with which they do so."""

CLASSES = 10
TEACHERS = {
    "usual": 5 * drawn(8, CLASSES, seed=1),
    "almost constant": 0.1 + 1e-3 * drawn(8, CLASSES, seed=1),
    "constant": torch.full((8, CLASSES), 0.1),
}


def gradient_of(name, logits, teacher_logits):
    """Norm of the gradient of a batch's logits."""
    logits = logits.clone().requires_grad_()
    taps = [Taps(z, z.detach(), ()) for z in (logits, teacher_logits.to(logits.dtype))]
    value = value_of(name, *taps, **STANDARDISED[name])
    assert torch.isfinite(value)
    value.backward()
    return logits.grad.norm().item()


@pytest.mark.parametrize("name", STANDARDISED)
@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("noise", [0.0, 1e-8, 1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1000.0])
def test_the_gradient_of_almost_constant_predictions_is_bounded(name, teacher, noise, constant):
    """The direction of rounding noise means nothing: divided by its length, it would outweigh all else."""
    gradient = gradient_of(name, constant + noise * drawn(8, CLASSES), TEACHERS[teacher])
    limit = 10_000 if teacher == "almost constant" else 100  # published: 1e7 and more
    assert gradient < limit * gradient_of(name, 2.0 * drawn(8, CLASSES), TEACHERS["usual"])


@pytest.mark.parametrize("name", STANDARDISED)
@given(exponent=st.floats(-12, 0), seed=st.integers(0, 1000))
@example(exponent=-12.0, seed=0)
def test_the_gradient_is_bounded_for_every_scale_of_the_student(name, exponent, seed):
    """The published formulas: a hundred times smaller, a hundred times the gradient."""
    logits, teacher = drawn(8, CLASSES, seed=seed).double(), TEACHERS["usual"].double()
    largest = max(gradient_of(name, SMALLEST_SPREAD * scale * logits, teacher) for scale in (0.1, 1.0, 5.0))
    assert gradient_of(name, 10**exponent * logits, teacher) < 5 * largest


@pytest.mark.parametrize("scale", [1.0, 10.0, 1000.0])
def test_above_the_floor_the_loss_does_not_change_with_the_students_scale(scale):
    """As published; of ``dist``, this holds for the scale of the predictions, which that of the logits does not give."""
    logits, teacher = 5 * drawn(8, CLASSES).double(), TEACHERS["usual"].double()
    values = [
        value_of("kd", *(Taps(z, z, ()) for z in (factor * logits, teacher)), **STANDARDISED["kd"]).item()
        for factor in (1.0, scale)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize("name", STANDARDISED)
def test_a_student_below_the_floor_is_drawn_to_the_teacher(name):
    """The loss falls where the logits move towards the teacher's, also from zero."""
    logits = torch.zeros(8, CLASSES, dtype=torch.float64, requires_grad=True)
    teacher = TEACHERS["usual"].double()
    value_of(name, *(Taps(z, z.detach(), ()) for z in (logits, teacher)), **STANDARDISED[name]).backward()
    direction = -logits.grad
    assert (
        torch.cosine_similarity(direction.flatten(), (teacher - teacher.mean(1, keepdim=True)).flatten(), dim=0) > 0.5
    )
