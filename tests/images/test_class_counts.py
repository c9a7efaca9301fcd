import logging
from fractions import Fraction

import torch

from mf_nas_kd.images import (
    ImageCollection,
    ImageDataset,
    LabelledImages,
    SubsetOrder,
    class_counts,
    warn_of_small_subset,
)


def dataset(*sizes):
    """Images of each class in train, validation and test."""
    labels = torch.cat([torch.tensor([label]).repeat(sum(parts)) for label, parts in enumerate(sizes)])
    split = torch.cat([torch.arange(3).repeat_interleave(torch.tensor(parts)) for parts in sizes])
    positions = {
        name: (split == number).nonzero().flatten() for number, name in enumerate(("train", "validation", "test"))
    }
    collection = ImageCollection(torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8), labels)
    return ImageDataset.of("some", tuple("abcdefghijkl"[: len(sizes)]), collection, positions)


def test_images_are_counted_by_class_and_split(caplog):
    caplog.set_level(logging.INFO)
    counts = class_counts(dataset((40, 20, 10), (60, 30, 15)))
    assert counts.to_dict("list") == {"class": ["a", "b"], "train": [40, 60], "validation": [20, 30], "test": [10, 15]}
    assert "Images of each class (train/validation/test): a 40/20/10, b 60/30/15" in caplog.text
    assert "fewer" not in caplog.text


def test_few_images_to_measure_on_are_a_warning(caplog):
    class_counts(dataset((40, 20, 3), (60, 30, 9)))
    assert "2 classes have fewer than 10 test images ('a' has 3)" in caplog.text
    assert "validation images" not in caplog.text


def test_of_many_classes_the_log_has_the_range(caplog):
    caplog.set_level(logging.INFO)
    class_counts(dataset(*[(20 + n, 10, 10) for n in range(12)]))
    assert "Images of a class: 20 to 31 train, 10 to 10 validation, 10 to 10 test" in caplog.text


def test_a_subset_with_too_few_images_names_the_smallest_fraction_with_enough(caplog):
    labels = torch.tensor([0] * 30 + [1] * 60)
    order = SubsetOrder.draw(LabelledImages(torch.zeros(90, 1, 2, 2, dtype=torch.uint8), labels), seed=0)
    warn_of_small_subset(order, Fraction(1, 10))
    assert caplog.text == ""
    warn_of_small_subset(order, Fraction(1, 27))
    assert "The subset of 1/27 of the training images has 1 of a class" in caplog.text
    assert "1/10 (0.1)" in caplog.text
    assert order.class_sizes(Fraction(1, 10)).min() == 3
