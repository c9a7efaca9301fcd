import os
import pickle
import time

import numpy as np
import pytest
import torch

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.images import load_images
from mf_nas_kd.images.source import ABANDONED_SECONDS, decode_once, remove_earlier


class Numbered:
    """Four images whose pixels are their number; counts how often they are decoded."""

    class_names = ("a", "b")
    labels = np.array([0, 0, 1, 1])
    names = ("a/1", "a/2", "b/1", "b/2")
    splits = np.array(["train"] * 4)
    image_shape = (1, 2, 2)
    key = "abc"

    def __init__(self, fault=None):
        self.decoded, self.fault = 0, fault

    def decode(self, pixels):
        self.decoded += 1
        pixels[:] = np.arange(4)[:, None, None, None]
        if self.fault is not None:
            raise self.fault


def test_a_split_is_a_function_of_its_seed():
    first, again, other = (load_images("digits", 0.2, 0.2, seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(
        UnknownNameError, match="images.source is 'digit', but must be one of: cifar10, cifar100, digits"
    ):
        load_images("digit", 0.2, 0.2, 0)


def test_without_a_folder_images_are_in_memory_only():
    collection, _ = decode_once(Numbered(), None)
    assert collection.path is None
    assert collection.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert collection.labels.tolist() == [0, 0, 1, 1]


def test_a_file_is_written_once_and_mapped_afterwards(tmp_path):
    source = Numbered()
    (first, _), (again, _) = decode_once(source, tmp_path), decode_once(source, tmp_path)
    assert source.decoded == 1
    assert first.path == again.path == tmp_path / "pixels-abc.npy"
    assert first.pixels.equal(again.pixels)
    assert first.pixels[:, 0, 1, 1].tolist() == [0, 1, 2, 3]


def test_names_are_in_memory_or_beside_the_file_of_pixels(tmp_path):
    for folder in (None, tmp_path):
        collection, _ = decode_once(Numbered(), folder)
        images = collection.selected(torch.tensor([3, 1, 0]))
        assert images.names == ("b/2", "a/2", "a/1")
        assert images[torch.tensor([2, 0])].names == ("a/1", "b/2")
        assert pickle.loads(pickle.dumps(collection)).names == Numbered.names
    (tmp_path / "pixels-abc.names.json").unlink()
    assert collection.mapped(collection.path, collection.labels).names == ("0", "1", "2", "3"), "an earlier version's"
    assert decode_once(Numbered(), tmp_path).collection.names == Numbered.names


def test_where_decoding_fails_no_file_is_left(tmp_path):
    with pytest.raises(OSError, match="unreadable"):
        decode_once(Numbered(OSError("unreadable")), tmp_path)
    assert not list(tmp_path.iterdir())


def test_files_of_earlier_states_are_removed_and_young_temporary_ones_stay(tmp_path):
    names = [
        "pixels-new.npy",
        "pixels-new.names.json",
        "pixels-old.npy",
        "pixels-old.names.json",
        ".1.pixels-old.npy",
        ".2.pixels-new.npy",
        "other.npy",
    ]
    for name in names:
        (tmp_path / name).touch()
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(tmp_path / ".1.pixels-old.npy", (long_ago, long_ago))
    remove_earlier(tmp_path / "pixels-new.npy")
    assert {path.name for path in tmp_path.iterdir()} == {*names[:2], ".2.pixels-new.npy", "other.npy"}
