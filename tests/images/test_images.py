from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError, UnknownNameError
from mf_nas_kd.images import (
    CropFlip,
    Identity,
    ImageCollection,
    ImageDataset,
    LabelledImages,
    ResidentImages,
    SubsetOrder,
    load_images,
    split_stratified,
)

CPU = torch.device("cpu")
PLAIN = ((0.0,), (1 / 255,))
"""Statistics with which a normalised pixel is its byte."""


def crop_flip(**options):
    return CropFlip(CropFlip.Options(**options))


def numbered(classes=(10, 20), size=2):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(classes)])
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, size, size).contiguous()
    return LabelledImages(images, labels)


def test_digits_are_bytes_that_use_the_whole_range(digits):
    assert digits.train.images.dtype == torch.uint8
    assert digits.image_shape == (1, 8, 8)
    assert (digits.train.images.min(), digits.train.images.max()) == (0, 255)
    assert len(digits.train) + len(digits.validation) + len(digits.test) == 1797


def test_a_split_keeps_the_proportions_of_classes_and_shares_no_image():
    labels = numbered((40, 80)).labels
    parts = split_stratified(labels, {"validation": 0.25, "test": 0.25}, seed=0, class_names=("a", "b"))
    assert {name: labels[positions].bincount().tolist() for name, positions in parts.items()} == {
        "train": [20, 40],
        "validation": [10, 20],
        "test": [10, 20],
    }
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(120))


def test_a_split_is_a_function_of_its_seed():
    first, again, other = (load_images("digits", 0.2, 0.2, seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_impossible_splits_are_refused():
    with pytest.raises(InvalidValueError, match="split fractions is .* must be positive and sum to less than 1"):
        split_stratified(numbered().labels, {"validation": 0.5, "test": 0.5}, seed=0, class_names=("a", "b"))
    with pytest.raises(
        InvalidValueError, match=r"images of the class 'a' is 1, .* every part, train and validation \(0.25"
    ):
        split_stratified(numbered((1, 20)).labels, {"validation": 0.25, "test": 0.25}, seed=0, class_names=("a", "b"))
    with pytest.raises(
        UnknownNameError, match="images.source is 'digit', but must be one of: cifar10, cifar100, digits"
    ):
        load_images("digit", 0.2, 0.2, 0)


def test_subsets_are_nested_and_stratified(digits, order):
    fractions = [Fraction(1, 27), Fraction(1, 9), Fraction(1, 3), Fraction(1)]
    subsets = [order.positions(fraction) for fraction in fractions]
    for smaller, larger in pairwise(subsets):
        assert set(smaller.tolist()) < set(larger.tolist())
    assert subsets[-1].tolist() == list(range(len(digits.train)))
    shares = digits.train.labels[subsets[1]].bincount() / digits.train.labels.bincount()
    assert torch.allclose(shares, torch.tensor(1 / 9), atol=0.01)


def test_imbalance_is_kept_and_no_class_is_lost():
    order = SubsetOrder.draw(numbered((3, 90)), seed=0)
    assert order.class_sizes(Fraction(1, 9)).tolist() == [1, 10]


def test_a_subset_smaller_than_the_classes_is_refused():
    order = SubsetOrder.draw(numbered((10, 20)), seed=0)
    with pytest.raises(
        InvalidValueError, match=r"train_fraction is '1/27'.*at least 2/30: one image for each of the 2"
    ):
        order.positions(Fraction(1, 27))


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


def test_wrong_tensors_are_refused():
    with pytest.raises(ShapeMismatchError, match=r"images is .*float32.*\(N, C, H, W\) of torch.uint8"):
        LabelledImages(torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ShapeMismatchError, match=r"labels is .*\(2,\) of torch.int64"):
        LabelledImages(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))


def test_a_choice_of_a_choice_copies_no_pixel(digits):
    few = digits.validation[torch.arange(20)][torch.tensor([3, 5])]
    assert few.pixels.data_ptr() == digits.collection.pixels.data_ptr()
    assert torch.equal(few.images, digits.validation.images[[3, 5]])
    assert torch.equal(few.labels, digits.validation.labels[[3, 5]])


def test_statistics_are_those_of_the_training_pixels(digits):
    pixels = digits.train.images.double() / 255
    assert digits.pixel_statistics[0] == pytest.approx([pixels.mean().item()], rel=1e-12)
    assert digits.pixel_statistics[1] == pytest.approx([pixels.std(correction=0).item()], rel=1e-12)


def test_the_fingerprint_sees_a_pixel_a_label_and_a_split(digits):
    def fingerprint(pixels=digits.collection.pixels, labels=digits.collection.labels, positions=digits.positions):
        return ImageDataset.of("digits", digits.class_names, ImageCollection(pixels, labels), positions).fingerprint

    brighter, other = digits.collection.pixels.clone(), digits.collection.labels.clone()
    brighter[0, 0, 0, 0] += 1
    other[0] = (other[0] + 1) % 10
    exchanged = {**digits.positions, "test": digits.positions["validation"], "validation": digits.positions["test"]}
    prints = [fingerprint(), fingerprint(brighter), fingerprint(labels=other), fingerprint(positions=exchanged)]
    assert prints[0] == digits.fingerprint
    assert len(set(prints)) == 4
