import pytest
import torch

from mf_nas_kd.images.duplicates.alignment import Rectangles, agreement, align
from mf_nas_kd.images.duplicates.descriptors import luma
from tests.images.photographs import pieces, pixels

IMAGES = torch.from_numpy(pixels(pieces())).float()


def rectangles(scale, centre):
    return Rectangles(torch.tensor([scale] * len(IMAGES)), torch.tensor([centre] * len(IMAGES)))


def test_a_rectangle_is_found_again_from_nearby():
    true = rectangles((0.84, 0.88), (0.05, -0.08))
    shown = true.of(IMAGES)
    found = align(luma(IMAGES), luma(shown), rectangles((0.9, 0.82), (0.0, 0.0)))
    near = ((found.scale - true.scale).abs().amax(1) < 0.01) & ((found.centre - true.centre).abs().amax(1) < 0.01)
    assert near.float().mean() > 0.9
    assert agreement(found.of(IMAGES), shown)[0].median() > 0.99


def test_the_whole_image_is_the_image():
    torch.testing.assert_close(rectangles((1.0, 1.0), (0.0, 0.0)).of(IMAGES), IMAGES, atol=1e-3, rtol=0)


def test_equal_images_agree_and_others_do_not():
    similarity, difference = agreement(IMAGES, IMAGES)
    assert similarity.tolist() == pytest.approx([1] * len(IMAGES), abs=1e-5)
    assert difference.tolist() == [0] * len(IMAGES)
    similarity, difference = agreement(IMAGES, IMAGES.roll(1, 0))
    assert similarity.max() < 0.8
    assert difference.median() > 0.8


def test_the_difference_is_relative_to_the_contrast():
    _, difference = agreement(IMAGES + 20, IMAGES)
    spread = (IMAGES - IMAGES.mean((2, 3), keepdim=True)).flatten(1).square().mean(1).sqrt()
    torch.testing.assert_close(difference, 20 / spread.clamp_min(40))
