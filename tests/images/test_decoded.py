import os
import pickle
import time

import numpy as np
import pytest
import torch

from mf_nas_kd.errors import MissingImagesError, UnknownNameError
from mf_nas_kd.images import decoded, load_images
from mf_nas_kd.images.decoded import ABANDONED_SECONDS, decode_once, remove_earlier
from mf_nas_kd.images.journal import Part


class Numbered:
    """Four images whose pixels are their number; counts how often they are decoded."""

    class_names = ("a", "b")
    labels = np.array([0, 0, 1, 1])
    names = ("a/1", "a/2", "b/1", "b/2")
    splits = np.array(["train"] * 4)
    image_shape = (1, 2, 2)
    settings = "abc"
    states = np.zeros((4, 1), dtype=np.int64)

    def __init__(self):
        self.decoded = 0

    def decode(self, pixels, rows):
        self.decoded += 1
        pixels[:] = np.arange(4)[:, None, None, None]
        yield Part(rows, {})


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
    assert first.path == again.path
    assert first.path.parent == tmp_path
    assert first.pixels.equal(again.pixels)
    assert first.pixels[:, 0, 1, 1].tolist() == [0, 1, 2, 3]


def test_names_are_in_memory_or_beside_the_file_of_pixels(tmp_path):
    for folder in (None, tmp_path):
        collection, _ = decode_once(Numbered(), folder)
        images = collection.selected(torch.tensor([3, 1, 0]))
        assert images.names == ("b/2", "a/2", "a/1")
        assert images[torch.tensor([2, 0])].names == ("a/1", "b/2")
        assert pickle.loads(pickle.dumps(collection)).names == Numbered.names
    collection.path.with_suffix(".names.json").unlink()
    assert collection.mapped(collection.path, collection.labels).names == ("0", "1", "2", "3"), "an earlier version's"


class Files:
    """Images of 2x2 pixels whose value is the state of their file; those below 0 cannot be read. Notes what is decoded."""

    class_names = ("a", "b")
    image_shape = (1, 2, 2)

    def __init__(self, settings="plain", killed_after=None, **states):
        self.names, self.settings = tuple(states), settings
        self.states = np.array(list(states.values()), dtype=np.int64)[:, None]
        self.labels, self.splits = np.zeros(len(states), dtype=np.int64), np.array(["train"] * len(states))
        self.killed_after, self.decoded = killed_after, []

    def decode(self, pixels, rows):
        for row in rows.tolist():
            if len(self.decoded) == self.killed_after:
                raise KeyboardInterrupt
            self.decoded.append(self.names[row])
            value = self.states[row, 0]
            pixels[row] = max(value, 0)
            yield Part(np.array([row]), {row: "no image"} if value < 0 else {})


def values(source, folder, on_unreadable="refuse"):
    """What was decoded for this attempt, the values of the images, and those left out."""
    collection, unreadable = decode_once(source, folder, on_unreadable)
    assert collection.names == source.names
    return source.decoded, collection.pixels[:, 0, 0, 1].tolist(), unreadable


def test_where_decoding_is_interrupted_the_next_attempt_goes_on(tmp_path):
    states = {"x": 1, "y": 2, "z": 3}
    with pytest.raises(KeyboardInterrupt):
        decode_once(Files(killed_after=2, **states), tmp_path)
    with next(tmp_path.glob("*.jsonl")).open("a") as journal:
        journal.write('\n{"rows": [2], "fai')  # the process was killed while it wrote
    assert values(Files(**states), tmp_path) == (["z"], [1, 2, 3], ())
    assert values(Files(**states), tmp_path) == ([], [1, 2, 3], ())
    assert not list(tmp_path.glob("*unfinished*"))


def test_after_a_refusal_only_what_is_new_or_changed_is_decoded(tmp_path):
    with pytest.raises(
        MissingImagesError, match=r"1 of 4 images cannot be read: y \(no image\); list: .*unreadable.csv"
    ):
        decode_once(Files(w=4, x=1, y=-2, z=3), tmp_path)
    assert values(Files(a=5, x=1, y=2, z=3), tmp_path) == (["a", "y"], [5, 1, 2, 3], ())
    assert len(list(tmp_path.glob("*.npy"))) == 1, "the unfinished file is of no more use"
    assert not (tmp_path / "unreadable.csv").exists(), "nothing is unreadable any more"
    assert values(Files(z=3, a=6, b=7), tmp_path) == (["a", "b"], [3, 6, 7], ())
    assert values(Files(settings="other", z=3), tmp_path)[0] == ["z"]


def test_what_is_skipped_is_not_tried_again_until_it_changes(tmp_path, caplog):
    assert values(Files(x=1, y=-2, z=3), tmp_path, "skip") == (["x", "y", "z"], [1, 0, 3], (1,))
    assert values(Files(x=1, y=-2, z=3), tmp_path, "skip") == ([], [1, 0, 3], (1,))
    assert values(Files(x=1, y=-2, z=4), tmp_path, "skip") == (["z"], [1, 0, 4], (1,))
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert (
        warnings
        == [f"1 of 3 images cannot be read and are left out; list: {tmp_path / 'unreadable.csv'}\n  y (no image)"] * 3
    )
    assert (tmp_path / "unreadable.csv").read_text().splitlines() == ["file,reason", "y,no image"]
    with pytest.raises(MissingImagesError, match="1 of 3 images cannot be read"):
        decode_once(Files(x=1, y=-2, z=4), tmp_path)
    assert values(Files(x=1, y=2, z=4), tmp_path) == (["y"], [1, 2, 4], ())


def test_images_that_were_refused_may_be_skipped_without_decoding(tmp_path):
    with pytest.raises(MissingImagesError, match="cannot be read"):
        decode_once(Files(x=1, y=-2), tmp_path)
    assert values(Files(x=1, y=-2), tmp_path, "skip") == ([], [1, 0], (1,))


def test_a_refused_image_is_tried_again(tmp_path):
    """What the disk or a permission refused may be read although its file has not changed."""
    with pytest.raises(MissingImagesError, match="cannot be read"):
        decode_once(Files(x=1, y=-2), tmp_path)
    source = Files(x=1, y=-2)
    with pytest.raises(MissingImagesError, match="cannot be read"):
        decode_once(source, tmp_path)
    assert source.decoded == ["y"]


@pytest.mark.parametrize("moment", ["_reserve", "_make", "decode"])
def test_another_run_that_decodes_the_same_at_once_does_no_harm(tmp_path, monkeypatch, moment):
    """The other run begins and ends while this one is at a certain step."""
    states = {"x": 1, "y": -2, "z": 3}
    place, real = (Files, Files.decode) if moment == "decode" else (decoded, getattr(decoded, moment))

    def meanwhile(*given):
        monkeypatch.setattr(place, moment, real)
        decode_once(Files(**states), tmp_path, "skip")
        return real(*given)

    monkeypatch.setattr(place, moment, meanwhile)
    assert values(Files(**states), tmp_path, "skip")[1:] == ([1, 0, 3], (1,))
    assert values(Files(**states), tmp_path, "skip") == ([], [1, 0, 3], (1,))
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_another_run_that_ends_first_leaves_nothing_to_decode(tmp_path):
    class Overtaken(Files):
        def decode(self, pixels, rows):
            decode_once(Files(x=1, y=2), tmp_path)
            np.load(pixels.filename)  # as the processes do that decode
            yield from super().decode(pixels, rows)

    assert values(Overtaken(x=1, y=2), tmp_path) == ([], [1, 2], ())


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
