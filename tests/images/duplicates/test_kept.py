"""Duplicates of whole folders of images: kept beside the pixels, on one side of a split, and in a table."""

import logging

import numpy as np
import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import GroupOptions, load_images
from mf_nas_kd.images.duplicates import describe, duplicates_of, duplicates_table, kept, no_pairs
from tests.images.photographs import cropped, mirrored, pieces, re_encoded

PIECES = pieces()
LIMIT = 10_000
CLASSES = ("a", "b")


@pytest.fixture
def folder(tmp_path):
    """Training images of two classes, 25 each."""
    for number, image in enumerate(PIECES[:50]):
        path = tmp_path / "images" / "train" / CLASSES[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    return tmp_path / "images"


def add(folder, name, image):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    image.save(folder / name)


def add_tests(folder):
    for number, image in enumerate(PIECES[50:62]):
        add(folder, f"test/{CLASSES[number % 2]}/{number:03d}.png", image)


def load(folder, duplicates="auto", kept_in=None, limit=LIMIT, group=None, seed=0):
    options = {"folder": str(folder), "image_size": 32, "channels": 3}
    group = GroupOptions(csv=None, pattern=None) if group is None else group
    return load_images("image_folder", 0.25, 0.25, seed, options, kept_in, "refuse", group, duplicates, limit)


def split_of(images):
    names = images.collection.names
    return {names[i]: split for split, positions in images.positions.items() for i in positions.tolist()}


def test_a_folder_without_copies_is_split_as_if_nobody_had_looked(folder):
    assert load(folder).fingerprint == load(folder, "ignore").fingerprint


@pytest.mark.parametrize("seed", range(4))
def test_copies_are_on_one_side_of_a_split_and_every_image_is_in_it(folder, seed):
    rng = np.random.default_rng(seed)
    copies = {
        "train/b/equal.png": ("train/a/000.png", PIECES[0]),
        "train/a/again.png": ("train/a/000.png", PIECES[0]),
        "train/a/saved.jpg": ("train/a/010.png", PIECES[10]),
        "train/b/saved.png": ("train/b/021.png", re_encoded(PIECES[21])),
        "train/b/cut.png": ("train/a/030.png", cropped(PIECES[30], rng)),
        "train/b/mirror.png": ("train/b/041.png", mirrored(PIECES[41])),
    }
    for name, (_, image) in copies.items():
        add(folder, name, image)
    split = split_of(load(folder, seed=seed))
    assert len(split) == 56
    assert {name: split[name] for name in copies} == {name: split[of] for name, (of, _) in copies.items()}


def test_training_copies_of_given_test_images_are_left_out_with_a_warning(folder, caplog):
    add_tests(folder)
    add(folder, "train/b/copy.jpg", PIECES[51])
    split = split_of(load(folder))
    assert "train/b/copy.jpg" not in split
    assert len(split) == 62
    assert "1 training images are left out: " in caplog.text
    assert len(split_of(load(folder, "report"))) == 63


def test_groups_are_kept_and_joined_by_copies(folder):
    add(folder, "train/b/cut.png", mirrored(PIECES[30]))
    group = GroupOptions(csv=None, pattern=r"(\d)\d\.png")  # tens belong together
    split = split_of(load(folder, group=group))
    tens = {}
    for name, part in split.items():
        tens.setdefault(name[-6] if name[-5].isdigit() else "3", set()).add(part)
    assert all(len(parts) == 1 for parts in tens.values())
    assert len(split) == 51


def test_a_class_of_copies_is_refused_in_one_line(tmp_path):
    for number in range(6):
        add(tmp_path, f"a/{number}.png", PIECES[0])
        add(tmp_path, f"b/{number}.png", PIECES[number + 1])
    with pytest.raises(
        InvalidValueError, match="number of groups of the class 'a' is 1, .* belong together, or are copies"
    ):
        load(tmp_path)


def test_duplicates_are_searched_once_and_kept_beside_the_pixels(folder, tmp_path, monkeypatch, caplog):
    add(folder, "train/b/equal.png", PIECES[0])
    caplog.set_level(logging.INFO)
    first = load(folder, kept_in=tmp_path / "kept")
    assert "Looked for duplicates among 51 images" in caplog.text
    monkeypatch.setattr(kept, "find_duplicates", None)
    assert load(folder, kept_in=tmp_path / "kept").fingerprint == first.fingerprint
    assert duplicates_of(first.collection, torch.arange(51), LIMIT)["kind"].tolist() == ["exact"]


def test_above_the_limit_only_equal_pixels_are_told(folder, tmp_path, caplog):
    add(folder, "train/b/equal.png", PIECES[0])
    add(folder, "train/b/mirror.png", mirrored(PIECES[41]))
    images = load(folder, kept_in=tmp_path / "kept", limit=51)
    assert "52 images are more than 51 (images.near_duplicates_limit)" in caplog.text
    assert duplicates_of(images.collection, torch.arange(52), 51)["kind"].tolist() == ["exact"]
    assert sorted(duplicates_of(images.collection, torch.arange(52), 52)["kind"]) == ["exact", "mirrored"]


def test_the_table_tells_names_splits_and_classes_and_the_log_what_is_wrong(folder, caplog):
    add_tests(folder)
    add(folder, "train/b/copy.png", PIECES[50])  # the test image has class a
    add(folder, "train/a/mirror.png", mirrored(PIECES[10]))
    images = load(folder, "report")
    table = duplicates_table(images, duplicates_of(images.collection, torch.arange(64), LIMIT))
    first = table.iloc[0].to_dict()
    assert {first["image"], first["other"]} == {"train/b/copy.png", "test/a/000.png"}
    assert {first["image_class"], first["other_class"]} == {"a", "b"}
    assert "test" in {first["image_split"], first["other_split"]}
    assert first["kind"] == "exact"
    assert table["kind"].tolist() == ["exact", "mirrored"]
    caplog.set_level(logging.INFO)
    describe(table)
    assert "show the same picture: 1 exact, 1 mirrored" in caplog.text
    assert "pairs are in two splits (accuracies" in caplog.text
    assert "1 pairs have two labels" in caplog.text
    assert duplicates_table(images, no_pairs()).columns.tolist() == table.columns.tolist()
