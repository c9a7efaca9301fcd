"""Every loss keeps what the protocol promises; a new one is tested as soon as it is in the table."""

import pytest
import torch

from mf_nas_kd.distillation import LOSSES, build_loss, loss_options
from mf_nas_kd.errors import InvalidValueError, UnknownNameError
from mf_nas_kd.taps import Taps, TapShapes

IMITATING = [name for name in LOSSES if name != "none"]
OTHER_VALUE = {"temperature": 2.0, "stages": "all", "map_size": 1}
"""For every option a value that is not its default; a new option adds its line here."""
ORDER_MATTERS: set[str] = set()
"""Losses whose definition depends on the order of the batch."""


def make_taps(batch, channels, sizes, classes=5, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    maps = tuple(draw(batch, c, s, s) for c, s in zip(channels, sizes, strict=True))
    return Taps(draw(batch, classes), draw(batch, channels[-1]), maps)


def student_taps(batch=6, dtype=torch.float64, classes=5, seed=0):
    return make_taps(batch, (3, 4), (4, 2), classes, seed, dtype)


def teacher_taps(batch=6, dtype=torch.float64, classes=5, seed=1):
    return make_taps(batch, (5, 6), (8, 4), classes, seed, dtype)


def build(name, classes=5, **options):
    student, teacher = student_taps(2, classes=classes), teacher_taps(2, classes=classes)
    return build_loss(name, student=TapShapes.of(student), teacher=TapShapes.of(teacher), num_images=100, **options)


def value_of(name, dtype=torch.float64, **options):
    loss = build(name, **options).to(dtype)
    targets = loss.teacher_targets(teacher_taps(dtype=dtype).detach())
    return loss(student_taps(dtype=dtype), targets, torch.arange(6))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_finite_scalar_in_every_precision(name, dtype):
    value = value_of(name, dtype)
    assert value.shape == ()
    assert torch.isfinite(value)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_agrees_with_double(name):
    torch.testing.assert_close(value_of(name, torch.bfloat16).double(), value_of(name), rtol=0.1, atol=0.02)


@pytest.mark.parametrize("name", IMITATING)
def test_gradient_goes_to_the_student_only(name):
    loss, student, teacher = build(name).double(), student_taps(), teacher_taps()
    targets = loss.teacher_targets(teacher).detach()
    loss(student, targets, torch.arange(6)).backward()
    gradients = [t.grad for t in (student.logits, student.embedding, *student.maps) if t.grad is not None]
    assert gradients
    assert any(gradient.abs().max() > 0 for gradient in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(t.grad is None for t in (teacher.logits, teacher.embedding, *teacher.maps))


@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_a_batch_are_those_of_its_parts(name):
    loss, taps = build(name).double(), teacher_taps().detach()

    def part(rows):
        return Taps(taps.logits[rows], taps.embedding[rows], tuple(m[rows] for m in taps.maps))

    whole = loss.teacher_targets(taps)
    assert len(whole) == 6
    parts = torch.cat([loss.teacher_targets(part(slice(0, 2))), loss.teacher_targets(part(slice(2, 6)))])
    torch.testing.assert_close(whole, parts, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ORDER_MATTERS])
def test_the_order_of_the_batch_does_not_matter(name):
    loss, student, teacher = build(name).double(), student_taps().detach(), teacher_taps().detach()
    order = torch.tensor([3, 0, 5, 1, 4, 2])

    def reorder(taps):
        return Taps(taps.logits[order], taps.embedding[order], tuple(m[order] for m in taps.maps))

    first = loss(student, loss.teacher_targets(teacher), torch.arange(6))
    second = loss(reorder(student), loss.teacher_targets(reorder(teacher)), order)
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in LOSSES for option in loss_options(name)])
def test_every_option_changes_the_value(name, option):
    assert not torch.isclose(value_of(name), value_of(name, **{option: OTHER_VALUE[option]}))


@pytest.mark.parametrize("name", IMITATING)
def test_imitating_oneself_is_the_smallest_value(name):
    student = student_taps().detach()
    shapes = TapShapes.of(student)
    loss = build_loss(name, student=shapes, teacher=shapes, num_images=100).double()
    assert loss(student, loss.teacher_targets(student), torch.arange(6)) == pytest.approx(0, abs=1e-12)
    assert value_of(name) > 1e-6


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("batch", "classes"), [(1, 5), (6, 2), (1, 2)])
def test_one_image_and_two_classes_are_defined(name, batch, classes):
    loss = build(name, classes=classes).double()
    targets = loss.teacher_targets(teacher_taps(batch, classes=classes).detach())
    assert torch.isfinite(loss(student_taps(batch, classes=classes), targets, torch.arange(batch)))


def test_an_unknown_loss_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"distillation loss is 'kdd'.*attention, kd, none, nst"):
        build("kdd")


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(InvalidValueError, match=r"option of the distillation loss 'kd' is 'tau'.*temperature"):
        build("kd", tau=4)
