"""Folders as people have them: one level too high or too deep, names in two Unicode forms, hidden images."""

import re
import unicodedata

import pytest
from PIL import Image

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.images import load_images

NFC, NFD = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


def fill(folder, *names, count=4):
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for image in range(count):
            Image.new("L", (8, 8), 20 * number + image).save(folder / name / f"{image}.png")


def load(folder):
    return load_images("image_folder", 0.25, 0.25, 0, {"folder": str(folder), "image_size": 8, "channels": 1})


@pytest.mark.parametrize(
    "below", ["dataset/train", "dataset/images/train", "images/train", "a/b/c/train", "dataset", "a/b"]
)
def test_a_folder_that_is_too_high_is_told_the_lower_one(tmp_path, below):
    fill(tmp_path / below, "cat", "dog")
    (tmp_path / ".hidden").mkdir()
    if below == "images/train":
        (tmp_path / "labels/train").mkdir(parents=True)
    right = tmp_path / below.removesuffix("/train")
    with pytest.raises(
        MissingImagesError, match=re.escape(f"is above the folder of the classes or splits: give '{right}'")
    ):
        load(tmp_path)
    assert load(right).class_names == ("cat", "dog")


@pytest.mark.parametrize("below", ["cat", "train/cat", "val/cat"])
def test_a_folder_that_is_too_deep_is_told_the_upper_one(tmp_path, below):
    fill((tmp_path / below).parent, "cat", "dog")
    with pytest.raises(MissingImagesError, match=re.escape(f"as a class does: give '{tmp_path}'")):
        load(tmp_path / below)


def test_one_split_alone_is_warned_of(tmp_path, caplog):
    for split in ("train", "val"):
        fill(tmp_path / split, "cat", "dog")
    for split in ("train", "val"):
        for file in (tmp_path / split).glob("*/*.png"):
            file.write_bytes(file.read_bytes() + split.encode())
    assert len(load(tmp_path / "train").collection.labels) == 8
    assert f"is one split alone: val beside it are ignored; to use them, give '{tmp_path}'" in caplog.text


def test_a_class_may_have_folders_in_it(tmp_path):
    fill(tmp_path / "cat", "train", "a")
    fill(tmp_path / "dog", "b")
    fill(tmp_path, "bird")
    assert load(tmp_path).class_names == ("bird", "cat", "dog")


def test_images_outside_class_folders_are_ignored_with_a_warning(tmp_path, caplog):
    fill(tmp_path, "cat", "dog")
    Image.new("L", (8, 8)).save(tmp_path / "stray.png")
    assert len(load(tmp_path).collection.labels) == 8
    assert f"1 images outside class folders are ignored: {tmp_path / 'stray.png'}" in caplog.text


@pytest.mark.parametrize(("train", "test"), [(NFC, NFD), (NFD, NFC), (NFD, NFD), (NFC, NFC)])
def test_a_class_is_the_same_in_both_unicode_forms(tmp_path, train, test):
    assert NFC != NFD
    fill(tmp_path / "train", train, "dog")
    fill(tmp_path / "test", test, "dog", count=3)
    images = load(tmp_path)
    assert set(images.class_names) == {train, "dog"}
    assert images.test.labels.bincount().tolist() == [3, 3]


def test_two_folders_of_one_class_in_two_unicode_forms_are_refused(tmp_path):
    fill(tmp_path, NFC, NFD)
    with pytest.raises(MissingImagesError, match=r"look the same, 'cafe\\u0301' and 'caf\\xe9': they are one class"):
        load(tmp_path)


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".hidden.png"])
def test_hidden_images_are_ignored_with_a_warning(tmp_path, caplog, name):
    fill(tmp_path, "cat", "dog")
    before = load(tmp_path)
    hidden = tmp_path / "cat" / name
    if hidden.suffix != ".png":
        hidden.mkdir()
    Image.new("L", (8, 8)).save(hidden if hidden.suffix == ".png" else hidden / "0-checkpoint.png")
    assert load(tmp_path).fingerprint == before.fingerprint
    assert f"1 hidden files and folders with images are ignored: {hidden}" in caplog.text


def test_hidden_files_that_are_no_images_need_no_warning(tmp_path, caplog):
    fill(tmp_path, "cat", "dog")
    (tmp_path / "cat/._0.png").write_bytes(b"what macOS keeps beside a file")
    (tmp_path / ".git").mkdir()
    load(tmp_path)
    assert "ignored" not in caplog.text


def test_a_warning_names_the_first_few(tmp_path, caplog):
    fill(tmp_path, "cat", "dog")
    for number in range(7):
        (tmp_path / f"cat/{number}.txt").touch()
    load(tmp_path)
    assert re.search(
        r"7 files that do not end in .* are ignored: .*/0.txt, .*/4.txt \.\.\.$", caplog.text, re.MULTILINE
    )
