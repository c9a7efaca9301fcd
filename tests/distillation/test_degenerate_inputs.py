"""Inputs at the edge of a definition: equal images, opposite directions, maps too large to pair all positions."""

import pytest
import torch

from mf_nas_kd.distillation import build_loss
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
