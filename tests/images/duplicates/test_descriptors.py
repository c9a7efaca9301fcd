import imagehash
import numpy as np
import torch
from PIL import Image

from mf_nas_kd.images.duplicates.descriptors import WHOLE, Window, descriptors, luma, thumbnails
from tests.images.photographs import mirrored, pieces, pixels

GREYS = [image.convert("L").resize((32, 32), Image.Resampling.LANCZOS) for image in pieces()]


FREQUENCIES = np.add.outer(np.arange(8) ** 2, np.arange(8) ** 2)
HALVED = np.where(np.arange(8) == 0, np.sqrt(0.5), 1)  # the mean, in the orthonormal transform; the hash has another
TO_PHASH = (np.sqrt(1 + FREQUENCIES) * np.outer(HALVED, HALVED)).flatten()[1:]


def brightness(images):
    return torch.stack([torch.from_numpy(np.asarray(image).astype(np.float32)) for image in images])


def test_the_signs_are_those_of_the_perceptual_hash():
    ours = descriptors(brightness(GREYS), WHOLE).numpy()
    for image, vector in zip(GREYS, ours, strict=True):
        bits = imagehash.phash(image).hash.flatten()[1:]
        coefficients = vector / TO_PHASH
        assert coefficients[bits].min() >= coefficients[~bits].max() - 1e-3  # the hash compares them with their median


def test_a_window_has_the_descriptor_of_its_picture_and_a_mirror_that_of_the_mirrored_one():
    whole = brightness(GREYS)
    flipped = descriptors(brightness([mirrored(image) for image in GREYS]), WHOLE)
    torch.testing.assert_close(descriptors(whole, Window(mirrored=True)), flipped, atol=1e-4, rtol=0)
    window = Window(0.5, 0.25, 0.5)
    cut = brightness([image.resize((32, 32), Image.BILINEAR, box=(16, 8, 32, 24)) for image in GREYS])
    assert (descriptors(whole, window) * descriptors(cut, WHOLE)).sum(1).min() > 0.97


def test_descriptors_ignore_brightness_and_contrast():
    whole = brightness(GREYS)
    torch.testing.assert_close(descriptors(0.5 * whole + 40, WHOLE), descriptors(whole, WHOLE), atol=1e-4, rtol=0)


def test_thumbnails_are_scaled_and_chosen():
    large, small = torch.from_numpy(pixels(pieces(), 64)), torch.from_numpy(pixels(pieces(), 32))
    chosen = torch.tensor([3, 7])
    assert thumbnails(small, chosen).equal(small[chosen])
    assert (thumbnails(large, chosen).float() - small[chosen].float()).abs().mean() < 1


def test_luma_is_pillows():
    images = pieces()
    ours = luma(torch.from_numpy(pixels(images, 64)))
    theirs = brightness([image.convert("L") for image in images])
    assert (ours - theirs).abs().max() <= 0.51
