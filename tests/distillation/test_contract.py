"""Every loss keeps what the protocol promises; a new one is tested as soon as it is in the table."""

import pytest
import torch

from mf_nas_kd.distillation import LOSSES, build_loss, loss_options
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError, UnknownNameError
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes

DISTILLING = [name for name in LOSSES if name != "none"]
OTHER_VALUE = {
    "angle_weight": 1.0,
    "distance_weight": 1.0,
    "features": 3,
    "initial_variance": 1.0,
    "inter_class_weight": 1.0,
    "intra_class_weight": 1.0,
    "map_size": 1,
    "momentum": 0.9,
    "negatives": 2,
    "others_weight": 2.0,
    "stage": 0,
    "stages": "all",
    "standardise_logits": True,
    "target_weight": 2.0,
    "temperature": 2.0,
}
"""For every option a value that is not its default; a new option adds its line here."""
ORDER_MATTERS = {"correlation"}
"""Losses whose definition depends on the order of the batch."""
LEARNS = ("hint", "correlation", "vid", "crd")
"""Losses with adapters that have still to learn: imitating oneself is not yet the smallest value."""
NEEDS_SEVERAL_IMAGES = {"correlation", "rkd", "dist"}
NEEDS_THREE_CLASSES = {"dkd"}
STAGES = 3


def make_taps(batch, channels, sizes, classes=5, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    maps = tuple(draw(batch, c, s, s) for c, s in zip(channels, sizes, strict=True))
    return Taps(draw(batch, classes), draw(batch, channels[-1]), maps)


def student_taps(batch=6, dtype=torch.float64, classes=5, seed=0):
    return make_taps(batch, (3, 3, 4), (8, 4, 2), classes, seed, dtype)


def teacher_taps(batch=6, dtype=torch.float64, classes=5, seed=1):
    return make_taps(batch, (5, 6, 7), (8, 8, 4), classes, seed, dtype)


def build(name, classes=5, **options):
    """Equal adapters for equal shapes, whatever the options."""
    student, teacher = student_taps(2, classes=classes), teacher_taps(2, classes=classes)
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    with torch_seeded(0, "test"):
        return build_loss(name, **shapes, num_images=100, **options)


def value_of(name, dtype=torch.float64, steps=1, **options):
    """The value after some calls: the state of a loss shows in the second."""
    loss = build(name, **options).to(dtype)
    targets = loss.teacher_targets(teacher_taps(dtype=dtype).detach())
    for _ in range(steps):
        value = loss(student_taps(dtype=dtype), targets, torch.arange(6))
    return value.detach()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_finite_scalar_in_every_precision(name, dtype):
    value = value_of(name, dtype)
    assert value.shape == ()
    assert value.dtype == dtype
    assert torch.isfinite(value)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_agrees_with_double(name):
    torch.testing.assert_close(value_of(name, torch.bfloat16).double(), value_of(name), rtol=0.1, atol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", DISTILLING)
def test_gradient_goes_to_the_student_only(name, dtype):
    loss, student, teacher = build(name).to(dtype), student_taps(dtype=dtype), teacher_taps(dtype=dtype)
    targets = loss.teacher_targets(teacher).detach()
    loss(student, targets, torch.arange(6)).backward()
    gradients = [t.grad for t in (student.logits, student.embedding, *student.maps) if t.grad is not None]
    assert any(gradient.abs().max() > 0 for gradient in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(t.grad is None for t in (teacher.logits, teacher.embedding, *teacher.maps))
    assert all(parameter.grad is not None for parameter in loss.parameters()), "an adapter that never learns"


@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_a_batch_are_those_of_its_parts(name):
    loss, taps = build(name).double(), teacher_taps().detach()

    def part(rows):
        return Taps(taps.logits[rows], taps.embedding[rows], tuple(m[rows] for m in taps.maps))

    whole = loss.teacher_targets(taps)
    assert len(whole) == 6
    parts = torch.cat([loss.teacher_targets(part(slice(0, 2))), loss.teacher_targets(part(slice(2, 6)))])
    torch.testing.assert_close(whole, parts, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_order_of_the_batch_matters_only_where_the_definition_says_so(name):
    student, teacher = student_taps().detach(), teacher_taps().detach()
    order = torch.tensor([3, 0, 5, 1, 4, 2])

    def reorder(taps):
        return Taps(taps.logits[order], taps.embedding[order], tuple(m[order] for m in taps.maps))

    first, second = build(name).double(), build(name).double()
    values = [
        first(student, first.teacher_targets(teacher), torch.arange(6)),
        second(reorder(student), second.teacher_targets(reorder(teacher)), order),
    ]
    assert torch.isclose(*values, rtol=1e-12, atol=1e-14) == (name not in ORDER_MATTERS)


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in LOSSES for option in loss_options(name)])
def test_every_option_changes_the_value(name, option):
    changed = value_of(name, steps=2, **{option: OTHER_VALUE[option]})
    assert not torch.isclose(value_of(name, steps=2), changed, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in DISTILLING if name not in LEARNS])
def test_distilling_oneself_is_the_smallest_value(name):
    student = student_taps().detach()
    shapes = TapShapes.of(student)
    loss = build_loss(name, student=shapes, teacher=shapes, num_images=100).double()
    assert loss(student, loss.teacher_targets(student), torch.arange(6)) == pytest.approx(0, abs=1e-12)
    assert value_of(name) > 1e-6


@pytest.mark.parametrize("name", LEARNS)
def test_adapters_learn_to_distil(name):
    """Their own parameters alone, without the student, bring the value down."""
    loss, student = build(name), student_taps(dtype=torch.float32).detach()
    targets = loss.teacher_targets(teacher_taps(dtype=torch.float32).detach())
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.1)
    values = []
    for _ in range(50):
        optimiser.zero_grad()
        value = loss(student, targets, torch.arange(6))
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.9 * values[1]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("batch", "classes"), [(1, 5), (6, 2), (1, 2)])
def test_one_image_and_two_classes_are_defined_or_clearly_refused(name, batch, classes):
    def value():
        loss = build(name, classes=classes).double()
        targets = loss.teacher_targets(teacher_taps(batch, classes=classes).detach())
        return loss(student_taps(batch, classes=classes), targets, torch.arange(batch))

    if name in NEEDS_THREE_CLASSES and classes == 2:
        with pytest.raises(InvalidValueError, match=rf"number of classes is 2, but must be at least 3 for {name}"):
            value()
    elif name in NEEDS_SEVERAL_IMAGES and batch == 1:
        with pytest.raises(
            InvalidValueError, match=rf"images in a batch is 1, but must be at least 2: {name} compares"
        ):
            value()
    else:
        assert torch.isfinite(value())


def test_an_unknown_loss_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=rf"distillation loss is 'kdd'.*{', '.join(sorted(LOSSES)[:5])}"):
        build("kdd")


def test_an_unknown_option_lists_the_known_ones():
    with pytest.raises(InvalidValueError, match=r"option of the distillation loss 'kd' is 'tau'.*temperature"):
        build("kd", tau=4)


@pytest.mark.parametrize("name", ["attention", "nst"])
def test_of_maps_with_one_position_the_last_stage_with_more_is_taken(name):
    student, teacher = TapShapes(5, 4, ((3, 4, 4), (4, 2, 2))), TapShapes(5, 4, ((3, 4, 4), (4, 2, 2), (8, 1, 1)))
    loss = build_loss(name, student=student, teacher=teacher, num_images=10)
    assert loss.sizes == ((2, 2),)
    assert loss.teacher_maps(make_taps(2, (3, 4, 8), (4, 2, 1)))[0].shape == (2, 4, 2, 2)
    nowhere = TapShapes(5, 4, ((4, 1, 1),))
    with pytest.raises(
        ShapeMismatchError, match=r"maps that are compared is \(1, 1\), but must be larger in at least one stage"
    ):
        build_loss(name, student=nowhere, teacher=nowhere, num_images=10)


@pytest.mark.parametrize("name", DISTILLING)
def test_a_loss_is_mixable_where_labels_and_positions_do_not_matter(name):
    """With others of both, a mixable loss has the same value; one that is not has another."""
    student, teacher, values = student_taps().detach(), teacher_taps().detach(), []
    for positions, labels in (
        (torch.arange(6), torch.tensor([0, 1, 2, 3, 4, 0])),
        (torch.arange(6) + 7, torch.arange(6).flip(0) % 5),
    ):
        loss = build(name).double()
        targets = loss.teacher_targets(teacher)
        values.append([loss(student, targets, positions, labels).item() for _ in range(2)])
    assert (values[0] == values[1]) == LOSSES[name].mixable
