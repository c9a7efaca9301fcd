"""Values computed by hand, and by the textbook form."""

import math

import pytest
import torch

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.taps import Taps, TapShapes


def taps(logits=None, maps=(), embedding=None):
    batch = len(logits) if logits is not None else len(maps[0])
    logits = torch.tensor(logits, dtype=torch.float64) if logits is not None else torch.zeros(batch, 2).double()
    embedding = embedding if embedding is not None else torch.zeros(batch, 1).double()
    return Taps(logits, embedding, tuple(maps))


def loss_of(name, student, teacher, **options):
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    loss = build_loss(name, **shapes, num_images=10, **options).double()
    return loss(student, loss.teacher_targets(teacher), torch.arange(len(student.logits))).item()


def test_kd_by_hand():
    """One image, two classes, temperature 1: teacher (3/4, 1/4), student (1/2, 1/2)."""
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    student, teacher = taps([[0.0, 0.0]]), taps([[math.log(3), 0.0]])
    assert loss_of("kd", student, teacher, temperature=1.0) == pytest.approx(expected, rel=1e-12)


def test_kd_is_scaled_by_the_square_of_the_temperature():
    """Logits of 2 log 3 at temperature 2 are those of log 3 at temperature 1."""
    warm = loss_of("kd", taps([[0.0, 0.0]]), taps([[2 * math.log(3), 0.0]]), temperature=2.0)
    cold = loss_of("kd", taps([[0.0, 0.0]]), taps([[math.log(3), 0.0]]), temperature=1.0)
    assert warm == pytest.approx(4 * cold, rel=1e-12)


def test_attention_by_hand():
    """Attention maps (1, 0) and (3, 4)/5: mean of (1 - .6)**2 and .8**2."""
    student = torch.tensor([[[[1.0, 0.0]]]]).double()
    teacher = torch.tensor([[[[math.sqrt(3.0), 2.0]]]], dtype=torch.float64)
    expected = (0.4**2 + 0.8**2) / 2
    assert loss_of("attention", taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(expected, rel=1e-12)


def test_nst_by_hand():
    """One channel each, (1, 0) and (0, 1): Gram matrices diag(1, 0) and diag(0, 1), distance 2."""
    student = torch.tensor([[[[1.0, 0.0]]]]).double()
    teacher = torch.tensor([[[[0.0, 3.0]]]]).double()
    assert loss_of("nst", taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(2.0, rel=1e-12)


def test_nst_equals_the_mean_over_all_pairs_of_channels():
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(3, 5, 4, 4, generator=generator).double()
    teacher = torch.randn(3, 7, 4, 4, generator=generator).double()

    def kernel_mean(first, second):
        first, second = (torch.nn.functional.normalize(m.flatten(2), dim=2) for m in (first, second))
        return (first.unsqueeze(2) * second.unsqueeze(1)).sum(dim=3).square().mean(dim=(1, 2))

    textbook = kernel_mean(student, student) + kernel_mean(teacher, teacher) - 2 * kernel_mean(student, teacher)
    value = loss_of("nst", taps(maps=[student]), taps(maps=[teacher]))
    assert value == pytest.approx(textbook.mean().item(), rel=1e-9)


@pytest.mark.parametrize("name", ["attention", "nst"])
def test_all_stages_are_the_sum_of_each(name):
    generator = torch.Generator().manual_seed(0)
    student = [torch.randn(2, 3, s, s, generator=generator).double() for s in (4, 2)]
    teacher = [torch.randn(2, 5, s, s, generator=generator).double() for s in (4, 2)]
    both = loss_of(name, taps(maps=student), taps(maps=teacher), stages="all")
    each = [loss_of(name, taps(maps=[s]), taps(maps=[t])) for s, t in zip(student, teacher, strict=True)]
    assert both == pytest.approx(sum(each), rel=1e-12)


@pytest.mark.parametrize("name", ["attention", "nst"])
def test_the_larger_map_is_pooled_to_the_smaller(name):
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(2, 3, s, s, generator=generator).double() for s in (2, 4))
    pooled = torch.nn.functional.adaptive_avg_pool2d(teacher, 2)
    assert loss_of(name, taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(
        loss_of(name, taps(maps=[student]), taps(maps=[pooled])), rel=1e-12
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeMismatchError, match="number of the teacher's classes is 3, but must be the student's 2"):
        loss_of("kd", taps([[0.0, 0.0]]), taps([[0.0, 0.0, 0.0]]))
    with pytest.raises(InvalidValueError, match="temperature is 0, but must be above 0"):
        loss_of("kd", taps([[0.0, 0.0]]), taps([[0.0, 0.0]]), temperature=0)
    one, two = [torch.zeros(1, 1, 2, 2).double()], [torch.zeros(1, 1, s, s).double() for s in (8, 4)]
    with pytest.raises(
        ShapeMismatchError, match=r"resolutions of the teacher's maps is \[\(8, 8\), \(4, 4\)\], but must be"
    ):
        loss_of("nst", taps(maps=one), taps(maps=two), stages="all")
    with pytest.raises(InvalidValueError, match="stages is 'first', but must be one of: last, middle, all"):
        loss_of("nst", taps(maps=one), taps(maps=one), stages="first")
