import hashlib

import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import CropFlip, LabelledImages, ResidentImages

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


def test_the_pixels_are_those_of_the_first_version_to_the_last_bit():
    """The hash was taken from version 0.2: teacher targets of these pixels are stored."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (40, 3, 7, 5), dtype=torch.uint8, generator=generator)
    augmented = crop_flip(padding=2, flip=True, rows=40, seed=3).apply(pixels, torch.arange(40))
    assert augmented.dtype == torch.uint8
    assert hashlib.sha256(augmented.contiguous().numpy().tobytes()).hexdigest()[:16] == "d6631a4966c7cd76"


def test_the_cache_key_of_crops_and_flips_is_that_of_the_first_version():
    """Evaluations and targets are stored under hashes of it."""
    key = crop_flip(padding=1, flip=True, rows=4, seed=0).cache_key
    assert key == {"padding": 1, "flip": True, "views_per_image": 4, "seed": 0}


def test_rows_are_a_seeded_choice():
    every = crop_flip(padding=1, flip=True, rows=None, seed=0)
    few, again, other = (crop_flip(padding=1, flip=True, rows=6, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(few.offsets, again.offsets)
    assert not torch.equal(few.offsets, other.offsets)
    assert set(rows_of(few)) < set(rows_of(every))
    assert len(set(rows_of(few))) == 6


def rows_of(augmentation):
    return [(*o, f) for o, f in zip(augmentation.offsets.tolist(), augmentation.flipped.tolist(), strict=True)]
