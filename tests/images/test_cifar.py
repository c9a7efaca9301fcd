"""CIFAR through torchvision; its files are not here, so torchvision's side is a stand-in with the same attributes."""

import os
import pickle

import numpy as np
import pytest

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.images import cifar, load_images


class StandIn:
    base_folder = "unpacked"
    classes = ("apple", "baby")

    def __init__(self, folder, train, download):
        count = 40 if train else 10
        rng = np.random.default_rng(int(train))
        self.data = rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        self.targets = [number % 2 for number in range(count)]


def test_the_test_images_are_torchvision_s_and_validation_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar.CIFAR100, "dataset", StandIn)
    images = load_images("cifar100", 0.25, 0.25, 0, {"folder": str(tmp_path), "download": False}, tmp_path / "kept")
    assert [len(part) for part in (images.train, images.validation, images.test)] == [30, 10, 10]
    assert images.image_shape == (3, 32, 32)
    expected = StandIn(None, train=False, download=False).data.transpose(0, 3, 1, 2)
    assert np.array_equal(images.test.images.numpy(), expected)


@pytest.mark.parametrize(("source", "title"), [("cifar10", "CIFAR-10"), ("cifar100", "CIFAR-100")])
def test_nothing_is_downloaded_unless_asked(tmp_path, source, title):
    """The real torchvision, which finds nothing in the folder."""
    with pytest.raises(
        MissingImagesError, match=rf"{title} is not in .*, or is damaged, and download is false; .* download: true"
    ):
        load_images(source, 0.25, 0.25, 0, {"folder": str(tmp_path), "download": False})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("source", "unpacked"), [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")])
def test_a_file_that_is_too_large_is_not_read(tmp_path, source, unpacked):
    """Its checksum alone would take an hour."""
    (tmp_path / unpacked).mkdir()
    for name in ("data_batch_1", "train"):
        with (tmp_path / unpacked / name).open("wb") as file:
            file.truncate(2**42)
    with pytest.raises(MissingImagesError, match=r"has 4,398,046,511,104 bytes, but must have at most 268,435,456"):
        load_images(source, 0.25, 0.25, 0, {"folder": str(tmp_path), "download": False})


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(Exploding.pickled())])
@pytest.mark.parametrize(("source", "unpacked"), [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")])
def test_a_file_with_another_checksum_is_not_read(tmp_path, make, source, unpacked):
    (tmp_path / unpacked).mkdir()
    for name in ("data_batch_1", "train"):
        make(tmp_path / unpacked / name)
    with pytest.raises(MissingImagesError, match="is damaged"):
        load_images(source, 0.25, 0.25, 0, {"folder": str(tmp_path), "download": False})


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("a pickle is read whose checksum is not the published one",)

    @classmethod
    def pickled(cls):
        return pickle.dumps(cls())
