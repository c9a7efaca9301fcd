import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.images import ImageCollection, ImageDataset, LabelledImages, pixel_file


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


@pytest.fixture
def mapped(tmp_path):
    """64 MiB of images in a file; the first bytes of each are its number."""
    pixels = np.zeros((1024, 1, 256, 256), dtype=np.uint8)
    pixels[:, 0, 0, :2] = np.arange(1024, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    pixels[:, 0, 1:] = 7  # no sparse file
    np.save(tmp_path / "pixels-a.npy", pixels)
    return ImageCollection.mapped(tmp_path / "pixels-a.npy", torch.arange(1024) % 2)


def shared_mebibytes():
    """Memory of this process that files back."""
    return int(Path("/proc/self/statm").read_text().split()[2]) * 4096 / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_pixels_of_a_file_do_not_stay_in_memory(mapped, monkeypatch):
    monkeypatch.setattr(pixel_file, "MAPPED_BYTES", 2**20)
    images = pickle.loads(pickle.dumps(mapped)).selected(
        torch.randperm(1024, generator=torch.Generator().manual_seed(0))
    )
    before, most = shared_mebibytes(), 0.0
    for chosen in torch.arange(1024).split(16):
        pixels = images.gathered(chosen)
        numbers = pixels[:, 0, 0, 0].long() + 256 * pixels[:, 0, 0, 1].long()
        assert torch.equal(numbers, images.positions[chosen])
        most = max(most, shared_mebibytes() - before)
    assert most < 8, "64 are in the file"
    assert torch.equal(images.gathered(torch.arange(20)), mapped.pixels[images.positions[:20]])


def test_the_fingerprint_of_the_test_images_sees_no_other_image(digits):
    def fingerprint(split):
        pixels = digits.collection.pixels.clone()
        pixels[digits.positions[split][0]] += 1
        return ImageDataset.of(
            "digits", digits.class_names, ImageCollection(pixels, digits.collection.labels), digits.positions
        ).test_fingerprint

    assert fingerprint("train") == digits.test_fingerprint != fingerprint("test")


def test_statistics_and_fingerprint_are_not_computed_again_unless_something_changed(mapped, monkeypatch):
    read = []
    real = ImageCollection.gathered
    monkeypatch.setattr(ImageCollection, "gathered", lambda *given: read.append(1) or real(*given))
    positions = {name: torch.arange(start, 1024, 3) for start, name in enumerate(("train", "validation", "test"))}

    def made(positions=positions, classes=("a", "b"), collection=mapped):
        read.clear()
        images = ImageDataset.of("x", classes, collection, positions)
        return images.pixel_statistics, images.fingerprint, sum(read) > 0

    first = made()
    in_memory = made(collection=ImageCollection(mapped.pixels, mapped.labels))
    assert first == in_memory
    assert made() == (*first[:2], False)
    assert made(classes=("a", "c"))[1:] != (first[1], False)
    assert made(positions={**positions, "test": positions["test"][:-1]})[2]
    assert made()[2], "the latest is kept"
    mapped.path.with_suffix(".statistics.json").write_text("{")
    assert made() == first
    mapped.path.touch()
    assert made() == first, "the file was written again"
