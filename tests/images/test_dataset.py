import pytest
import torch

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.images import ImageCollection, ImageDataset, LabelledImages


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
