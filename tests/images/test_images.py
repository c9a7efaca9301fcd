import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import (
    CropFlip,
    Identity,
    LabelledImages,
    ResidentImages,
)

CPU = torch.device("cpu")
PLAIN = ((0.0,), (1 / 255,))
"""Statistics with which a normalised pixel is its byte."""


def crop_flip(**options):
    return CropFlip(CropFlip.Options(**options))


def test_the_number_of_crops_and_flips_is_that_of_the_formula():
    assert len(crop_flip(padding=4, flip=True, rows=None, seed=0)) == 162
    assert len(crop_flip(padding=1, flip=False, rows=None, seed=0)) == 9
    assert len(crop_flip(padding=4, flip=True, rows=10, seed=0)) == 10
    with pytest.raises(InvalidValueError, match="rows is 10, but must be at most 9"):
        crop_flip(padding=1, flip=False, rows=10, seed=0)


def test_every_row_is_its_crop_and_flip():
    pixels = torch.arange(1, 13, dtype=torch.uint8).view(1, 1, 3, 4)
    augmentation = crop_flip(padding=1, flip=True, rows=None, seed=0)
    resident = ResidentImages(LabelledImages(pixels, torch.zeros(1, dtype=torch.int64)), augmentation, PLAIN, CPU)
    padded = torch.nn.functional.pad(pixels, [1] * 4)
    for number in range(len(augmentation)):
        row, column = augmentation.offsets[number].tolist()
        expected = padded[:, :, row : row + 3, column : column + 4]
        expected = expected.flip(3) if augmentation.flipped[number] else expected
        seen = resident.batch(torch.tensor([0]), torch.tensor([number])).images
        torch.testing.assert_close(seen, expected.float())


def test_batches_are_normalised_and_channels_last(digits):
    resident = ResidentImages(digits.train, Identity(), digits.pixel_statistics, CPU)
    batch = resident.batch(torch.arange(len(digits.train)), torch.zeros(len(digits.train), dtype=torch.int64))
    assert batch.images.mean().item() == pytest.approx(0, abs=1e-4)
    assert batch.images.std().item() == pytest.approx(1, abs=1e-3)
    assert torch.equal(batch.labels, digits.train.labels)
    colour = LabelledImages(torch.zeros(4, 3, 5, 5, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    images = ResidentImages(colour, Identity(), ((0.0,) * 3, (1.0,) * 3), CPU).batch(
        torch.arange(4), torch.zeros(4).long()
    )
    assert images.images.is_contiguous(memory_format=torch.channels_last)
