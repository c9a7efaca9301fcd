"""Class folders of real images: digits as PNG, cuttings of scikit-learn's photographs as JPEG and WebP."""

import csv
import logging
import os
import pickle
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from sklearn.datasets import load_digits, load_sample_images

from mf_nas_kd.datasets import ImagesDataset
from mf_nas_kd.errors import InvalidValueError, MissingImagesError
from mf_nas_kd.image_files.decoding import decode_into_map
from mf_nas_kd.images import SubsetOrder, image_folder, load_images, parallel

PHOTOGRAPHS = dict(zip(("china", "flower"), load_sample_images().images, strict=True))
CLASSES = ("china", "flower")


def cut(name, number, size=40):
    """A piece of a photograph, another one for every number."""
    row, column = 7 * number % 300, 13 * number % 500
    return Image.fromarray(PHOTOGRAPHS[name][row : row + size, column : column + size])


def write(folder, per_class, suffixes=(".png", ".jpg", ".webp", ".JPEG"), start=0, classes=CLASSES):
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(start, start + per_class):
            image = cut(name, number)
            image.save(folder / name / f"{number:03d}{suffixes[number % len(suffixes)]}")


def load(folder, kept=None, size=16, channels=3, seed=0, on_unreadable="refuse"):
    options = {"folder": str(folder), "image_size": size, "channels": channels}
    return load_images("image_folder", 0.25, 0.25, seed, options, kept, on_unreadable)


@pytest.fixture
def in_processes(monkeypatch):
    monkeypatch.setattr(image_folder, "SMALL_BYTES", 0)
    monkeypatch.setattr(parallel, "MOST_FILES", 7)


@pytest.fixture
def photographs(tmp_path):
    write(tmp_path / "images" / "train", 12)
    return tmp_path / "images"


def test_missing_splits_are_drawn_from_the_training_images(photographs):
    images = load(photographs)
    assert images.class_names == CLASSES
    assert images.image_shape == (3, 16, 16)
    assert [len(part) for part in (images.train, images.validation, images.test)] == [12, 6, 6]


def test_a_name_is_the_path_below_the_folder(tmp_path, photographs):
    shutil.copytree(photographs / "train/china", photographs / "train/china/more")
    images = load(photographs, tmp_path / "kept")
    names = images.collection.names
    assert len(set(names)) == len(names) == 36
    assert names[:2] == ("train/china/000.png", "train/china/001.jpg")
    assert all((photographs / name).is_file() for name in names)
    for part in (images.train, images.validation, images.test):
        labels = [images.class_names.index(name.split("/")[1]) for name in part.names]
        assert labels == part.labels.tolist()


def test_splits_that_are_there_are_taken_as_they_are(photographs):
    write(photographs / "test", 3, start=100)
    write(photographs / "val", 2, start=200)
    images = load(photographs)
    assert [len(part) for part in (images.train, images.validation, images.test)] == [24, 4, 6]


def test_one_split_that_is_there_leaves_the_other_to_be_drawn(photographs):
    write(photographs / "test", 3, start=100)
    images = load(photographs)
    assert [len(part) for part in (images.train, images.validation, images.test)] == [18, 6, 6]


def test_class_folders_without_split_folders_are_training_images(tmp_path):
    write(tmp_path / "images", 12)
    assert len(load(tmp_path / "images").train) == 12


def test_pixels_are_those_of_the_file(tmp_path):
    """PNG and lossless WebP of the wanted size come back to the last bit."""
    for name in CLASSES:
        (tmp_path / "i/train" / name).mkdir(parents=True)
        for number in range(4):
            suffix, lossless = ((".png", {}), (".webp", {"lossless": True}))[number % 2]
            cut(name, number).save(tmp_path / f"i/train/{name}/{number}{suffix}", **lossless)
    images = load(tmp_path / "i", size=40)
    expected = [np.asarray(cut(name, number)) for name in CLASSES for number in range(4)]
    assert np.array_equal(images.collection.pixels.permute(0, 2, 3, 1).numpy(), np.stack(expected))


def test_colour_becomes_grey_and_grey_becomes_colour(tmp_path, photographs):
    assert load(photographs, channels=1).image_shape == (1, 16, 16)
    for name in CLASSES:
        (tmp_path / "grey/train" / name).mkdir(parents=True)
        for number in range(4):
            cut(name, number).convert("L").save(tmp_path / f"grey/train/{name}/{number}.png")
    red, green, blue = load(tmp_path / "grey").collection.pixels.unbind(dim=1)
    assert torch.equal(red, green)
    assert torch.equal(green, blue)


def test_unusual_files_are_read_as_they_look(tmp_path):
    """Wide images are cropped, 16 bits of grey scaled, transparency laid on white, rotation by the camera undone."""
    folder = tmp_path / "i/train"
    write(folder, 4)
    wide = Image.new("RGB", (64, 16), "black")
    wide.paste("white", (24, 0, 40, 16))
    wide.save(folder / "china/a.png")
    Image.fromarray(np.full((16, 16), 128 * 257, dtype=np.uint16)).save(folder / "china/b.png")
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(folder / "china/c.png")
    upright = Image.new("RGB", (16, 16), "black")
    upright.paste("white", (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    upright.save(folder / "china/d.png", exif=exif)
    images = load(tmp_path / "i")
    wide, grey, transparent, turned = images.collection.pixels[4:8]  # after 000 to 003
    assert wide.float().mean() > 250
    assert (grey == 128).all()
    assert (transparent == 255).all()
    assert turned[:, :6].max() < 20 < 230 < turned[:, -6:].min()


def test_images_are_decoded_once_and_again_when_the_folder_changes(tmp_path, photographs, monkeypatch):
    kept = tmp_path / "kept"
    first = load(photographs, kept)
    (file,) = kept.glob("*.npy")
    written = file.stat().st_mtime_ns
    decoded = []
    monkeypatch.setattr(parallel, "decode_files", lambda *given: decoded.append(given) or {})
    again = load(photographs, kept, seed=1)
    assert not decoded
    assert file.stat().st_mtime_ns == written
    assert first.fingerprint != again.fingerprint, "another split of the same file"
    monkeypatch.undo()
    cut("china", 99).save(photographs / "train/china/000.png")
    changed = load(photographs, kept)
    assert changed.fingerprint != first.fingerprint
    assert len(list(kept.glob("*.npy"))) == 2
    assert load(photographs, kept, size=8).image_shape == (3, 8, 8)


def test_processes_beside_this_one_decode_the_same(tmp_path, photographs, request):
    here = load(photographs, tmp_path / "here")
    request.getfixturevalue("in_processes")
    elsewhere = load(photographs, tmp_path / "elsewhere")
    assert elsewhere.fingerprint == here.fingerprint
    (photographs / "train/china/004.png").write_bytes(b"no image")
    with pytest.raises(MissingImagesError, match=r"1 of 24 images cannot be read: .*004.png \(it is no image"):
        load(photographs, tmp_path / "elsewhere")


def test_a_copy_for_a_worker_is_the_name_of_the_file(tmp_path, photographs):
    images = load(photographs, tmp_path / "kept", size=200)
    sent = pickle.dumps(images)
    assert images.collection.pixels.nbytes > 2_000_000
    assert len(sent) < 5_000
    assert torch.equal(pickle.loads(sent).validation.images, images.validation.images)


def test_imbalance_is_kept_by_splits_and_subsets(tmp_path):
    write(tmp_path / "i/train", 24, classes=("china",))
    write(tmp_path / "i/train2", 96)
    (tmp_path / "i/train2/flower").rename(tmp_path / "i/train/flower")
    images = load(tmp_path / "i", size=8)
    assert images.train.labels.bincount().tolist() == [12, 48]
    assert SubsetOrder.draw(images.train, seed=0).class_sizes(Fraction(1, 3)).tolist() == [4, 16]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "it has 0 bytes"), (b"no image at all", "it is no image, or its format is none"), (None, "truncated")],
)
def test_an_unreadable_image_is_named(tmp_path, photographs, content, message):
    name = "train/flower/004.png"
    broken = photographs / name
    broken.write_bytes(broken.read_bytes()[:600] if content is None else content)
    with pytest.raises(MissingImagesError, match=rf"1 of 24 images cannot be read: {name} \(.*{message}"):
        load(photographs, tmp_path / "kept")
    broken.unlink()
    without = load(photographs)
    broken.write_bytes(b"")
    skipped = load(photographs, tmp_path / "kept", on_unreadable="skip")
    assert skipped.fingerprint == without.fingerprint
    assert skipped.validation.names == without.validation.names


def test_an_empty_class_is_named(photographs):
    (photographs / "train/goat").mkdir()
    (photographs / "train/goat/readme.txt").write_text("to come")
    with pytest.raises(
        MissingImagesError, match=r"the class 'goat' has no image in .*goat.*\.jpeg, \.jpg, \.png, .*\.webp"
    ):
        load(photographs)


def test_a_class_that_a_split_lacks_is_named(photographs):
    write(photographs / "val", 2, classes=("china",))
    with pytest.raises(MissingImagesError, match=r"the class 'flower' is missing from '.*val'"):
        load(photographs)


def test_a_class_that_only_a_split_has_is_named(photographs):
    write(photographs / "test", 2, classes=("china", "flower"))
    (photographs / "train/flower").rename(photographs / "flower")
    with pytest.raises(MissingImagesError, match=r"the class 'flower' is missing from '.*train'"):
        load(photographs)


def test_one_image_of_a_class_cannot_be_split(photographs):
    for file in sorted((photographs / "train/china").iterdir())[1:]:
        file.unlink()
    with pytest.raises(MissingImagesError, match="the class 'china' has one training image, .*000.png"):
        load(photographs)


def test_a_class_too_small_to_be_split_is_named(photographs):
    for file in sorted((photographs / "train/china").iterdir())[2:]:
        file.unlink()
    with pytest.raises(InvalidValueError, match="images of the class 'china' is 2, but must be enough"):
        load_images("image_folder", 0.2, 0.2, 0, {"folder": str(photographs), "image_size": 16, "channels": 3})


def test_one_class_is_no_problem_to_solve(tmp_path):
    write(tmp_path / "i", 12, classes=("china",))
    with pytest.raises(InvalidValueError, match=r"classes is \['china'\], but must be at least two"):
        load(tmp_path / "i")


def test_a_folder_that_is_not_there_or_has_no_classes_is_named(tmp_path):
    with pytest.raises(MissingImagesError, match="there is no folder '.*nowhere'"):
        load(tmp_path / "nowhere")
    with pytest.raises(MissingImagesError, match="there are no class folders in"):
        load(tmp_path)
    with pytest.raises(InvalidValueError, match="folder is None, but must be a folder of class folders, .*images_dir="):
        load_images("image_folder", 0.25, 0.25, 0, {"folder": None, "image_size": 32, "channels": 3})


def test_hidden_files_and_other_files_are_ignored(photographs, caplog):
    (photographs / "train/china/.DS_Store").write_bytes(b"x")
    (photographs / "train/china/notes.txt").write_text("x")
    (photographs / ".git").mkdir()
    with caplog.at_level("WARNING"):
        assert len(load(photographs).train) == 12
    assert "1 files that do not end in .bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp are ignored" in caplog.text
    assert not os.path.exists(photographs / "pixels")


@pytest.mark.parametrize(
    ("renamed", "named"), [({"train": "Train"}, "Train"), ({"train": "val"}, "val"), ({"val": "valid"}, "train, valid")]
)
def test_folders_that_only_look_like_splits_are_refused(tmp_path, renamed, named):
    for split in ("train", "val"):
        write(tmp_path / "i" / split, 4)
    for old, new in renamed.items():
        shutil.rmtree(tmp_path / "i/val") if new == "val" else None
        (tmp_path / "i" / old).rename(tmp_path / "i" / new)
    with pytest.raises(
        MissingImagesError, match=rf"the folders {named}.* are not what is expected: train, with or without"
    ):
        load(tmp_path / "i")


def test_other_folders_beside_train_are_ignored_with_a_warning(photographs, caplog):
    (photographs / "originals").mkdir()
    with caplog.at_level("WARNING"):
        assert load(photographs).class_names == CLASSES
    assert "test are ignored: originals" in caplog.text


def test_hidden_folders_are_not_looked_into_and_linked_ones_are(tmp_path, photographs):
    (photographs / "train/china/.cache").mkdir()
    shutil.copy(photographs / "train/china/000.png", photographs / "train/china/.cache/000.png")
    write(tmp_path / "elsewhere", 4, start=50)
    (photographs / "train/flower/more").symlink_to(tmp_path / "elsewhere/flower")
    assert len(load(photographs).collection.labels) == 24 + 4


def test_a_link_to_nowhere_is_named(photographs):
    (photographs / "train/china/gone.png").symlink_to("/nowhere.png")
    with pytest.raises(
        MissingImagesError,
        match=r"1 of 25 images cannot be read: .*gone.png \(FileNotFoundError: No such file or directory\)",
    ):
        load(photographs)


def test_one_image_to_train_on_is_refused_whatever_the_other_splits_have(photographs):
    write(photographs / "val", 3, start=100)
    write(photographs / "test", 3, start=200)
    for file in sorted((photographs / "train/flower").iterdir())[1:]:
        file.unlink()
    with pytest.raises(MissingImagesError, match=r"class 'flower' has one training image, .*000.png, but at least 2"):
        load(photographs)


def test_damaged_camera_data_do_not_hide_an_image(tmp_path, photographs):
    image = cut("china", 0)
    image.save(photographs / "train/china/000.png", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01broken")
    assert len(load(photographs).collection.labels) == 24


def test_pixels_of_an_earlier_state_stay_until_the_new_ones_are_saved(tmp_path, photographs):
    kept = tmp_path / "kept"
    dataset = ImagesDataset(filepath=str(kept / "images.safetensors"))
    dataset.save(load(photographs, kept))
    earlier = dataset.load()
    later = load(photographs, kept, size=8)
    assert torch.equal(pickle.loads(pickle.dumps(earlier)).test.images, earlier.test.images), "still there"
    dataset.save(later)
    assert dataset.load().image_shape == (3, 8, 8)
    assert len(list(kept.glob("pixels-*.npy"))) == 1


# -------------------------------------------------------------------------------------------- every file counts once


@pytest.fixture
def links(photographs):
    """Makes a link below ``train``, to a path that is relative to it."""

    def links(link, target):
        (photographs / "train" / link).symlink_to(photographs / "train" / target, target_is_directory=True)

    return links


@pytest.mark.parametrize("target", ["china", "../train", "..", "../..", "/"])
def test_a_link_to_a_folder_that_contains_its_class_adds_nothing(photographs, links, caplog, target):
    before = load(photographs)
    links("china/all", target)
    after = load(photographs)
    assert after.fingerprint == before.fingerprint
    assert "1 links to folders that contain their own class folder are ignored:" in caplog.text
    assert str(photographs / "train/china/all") in caplog.text


def test_a_folder_that_is_linked_twice_counts_once(tmp_path, photographs, links, caplog):
    write(tmp_path / "elsewhere", 4, start=50)
    links("flower/a", tmp_path / "elsewhere/flower")
    once = load(photographs)
    links("flower/b", tmp_path / "elsewhere/flower")
    links("flower/c", photographs / "train/flower/a")
    (tmp_path / "elsewhere/flower/loop").symlink_to(tmp_path / "elsewhere/flower")
    assert len(once.collection.labels) == 24 + 4
    assert load(photographs).fingerprint == once.fingerprint
    assert "3 links to folders that their class has already are ignored" in caplog.text


def test_a_loop_of_links_between_folders_ends(tmp_path, photographs, links):
    write(tmp_path / "elsewhere", 4, start=50)
    (tmp_path / "elsewhere/flower/back").symlink_to(tmp_path / "elsewhere/china")
    (tmp_path / "elsewhere/china/forth").symlink_to(tmp_path / "elsewhere/flower")
    links("flower/more", tmp_path / "elsewhere/flower")
    assert len(load(photographs).collection.labels) == 24 + 8


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_file_that_is_linked_within_its_class_counts_once(photographs, caplog, link):
    before = load(photographs)
    (photographs / "train/china/more").mkdir()
    link(photographs / "train/china/000.png", photographs / "train/china/zzz.png")
    link(photographs / "train/china/000.png", photographs / "train/china/more/zzz.png")
    assert load(photographs).fingerprint == before.fingerprint
    assert "2 links to images that their class has already are ignored" in caplog.text


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_file_in_two_classes_is_refused_with_both_paths(photographs, link):
    link(photographs / "train/china/000.png", photographs / "train/flower/x.png")
    with pytest.raises(
        MissingImagesError, match=r"china/000.png and .*flower/x.png are one file \(a link\), but an image"
    ):
        load(photographs)


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("split", ["val", "test"])
def test_a_file_in_two_splits_is_refused_with_both_paths(photographs, link, split):
    write(photographs / split, 3, start=100)
    link(photographs / "train/china/000.png", photographs / split / "china/x.png")
    with pytest.raises(MissingImagesError, match=r"are one file") as refusal:
        load(photographs)
    assert str(photographs / "train/china/000.png") in str(refusal.value)
    assert str(photographs / split / "china/x.png") in str(refusal.value)


@pytest.mark.parametrize(
    ("link", "target"), [("flower/x", "china"), ("goat", "china"), ("goat", ".."), ("goat", "../..")]
)
def test_a_folder_in_two_classes_is_refused(photographs, links, link, target):
    links(link, target)
    with pytest.raises(MissingImagesError, match=r"china/000.png and .* are one file"):
        load(photographs)


def test_a_split_that_is_a_link_to_another_is_refused(photographs):
    (photographs / "val").symlink_to(photographs / "train")
    with pytest.raises(MissingImagesError, match=r"train/china/000.png and .*val/china/000.png are one file"):
        load(photographs)


def test_links_to_files_classes_and_splits_elsewhere_are_images_as_others(tmp_path, photographs):
    shutil.move(photographs / "train", tmp_path / "there")
    expected = load(tmp_path / "there")
    (tmp_path / "classes/train").mkdir(parents=True)
    (tmp_path / "files/train").mkdir(parents=True)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train").symlink_to(tmp_path / "there")
    for name in CLASSES:
        (tmp_path / "classes/train" / name).symlink_to(tmp_path / "there" / name)
        (tmp_path / "files/train" / name).mkdir()
        for file in (tmp_path / "there" / name).iterdir():
            (tmp_path / "files/train" / name / file.name).symlink_to(file)
    for linked in ("splits", "classes", "files"):
        assert load(tmp_path / linked).fingerprint == expected.fingerprint


@pytest.mark.parametrize("where", ["train/gone", "gone"])
def test_a_link_to_a_folder_that_is_gone_is_named(photographs, where):
    (photographs / where).symlink_to("/nowhere")
    with pytest.raises(MissingImagesError, match=r"the link .*gone leads nowhere"):
        load(photographs)


@pytest.mark.parametrize(
    "name", ["__MACOSX", "@eaDir", ".ipynb_checkpoints", ".thumbnails", "$RECYCLE.BIN", "lost+found"]
)
@pytest.mark.parametrize("where", [".", "train", "train/china"])
def test_folders_of_other_programs_hold_no_images(photographs, caplog, name, where):
    before = load(photographs)
    shutil.copytree(photographs / "train/china", photographs / "copy")
    shutil.move(photographs / "copy", photographs / where / name)
    assert load(photographs).fingerprint == before.fingerprint
    assert name.startswith(".") or f"1 files and folders of other programs are ignored: {photographs}" in caplog.text


@pytest.mark.parametrize("name", ["Thumbs.db", ".DS_Store", "._000.png", "desktop.ini"])
@pytest.mark.parametrize("where", [".", "train", "train/china"])
def test_files_of_other_programs_are_no_images(photographs, name, where):
    before = load(photographs)
    (photographs / where / name).write_bytes(b"x")
    assert load(photographs).fingerprint == before.fingerprint


PLACES = ["train/a", "train/b", "test/a", "test/b", "train/a/deep", "test/b/deep", "outside", "outside/deep"]
LINKS = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from([*PLACES, ".", "train", "test", ".."]), st.booleans()),
    max_size=5,
)


@given(LINKS)
def test_whatever_is_linked_no_image_counts_twice(links):
    """Folders with two files each, and links to folders, to files, and hard links: refused, or every file once."""
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for number, place in enumerate(PLACES):
            (root / place).mkdir(parents=True, exist_ok=True)
            for name in ("x.png", "y.png"):
                Image.new("L", (8, 8), 2 * number + (name == "y.png")).save(root / place / name)
        for number, (place, target, whole) in enumerate(links):
            link, file = root / place / f"link{number}", root / target / "y.png"
            if whole:
                link.symlink_to(root / target)
            elif file.exists():
                (os.link if number % 2 else os.symlink)(file, link.with_suffix(".png"))
        parts, refusal = (), ""
        try:
            images = load_images("image_folder", 0.3, 0.3, 0, {"folder": str(root), "image_size": 8, "channels": 1})
            parts = (images.train, images.validation, images.test)
        except MissingImagesError as error:
            refusal = str(error)
        finally:
            logging.disable(logging.NOTSET)
        values = [value for part in parts for value in part.images[:, 0, 0, 0].tolist()]
        assert "are one file (a link)" in refusal if refusal else set(values) >= set(range(12))
        assert len(values) == len(set(values))
        assert links or not refusal


# -------------------------------------------------------------------------------------------- all unreadable ones


@pytest.mark.parametrize("at_once", [False, True])
def test_every_unreadable_image_is_in_a_list_and_the_first_ones_in_log_and_message(
    tmp_path, photographs, caplog, request, at_once
):
    if at_once:
        request.getfixturevalue("in_processes")
    broken = sorted((photographs / "train/china").iterdir())[:11]
    for file in broken:
        file.write_bytes(b"\x00GIF89a no image")
    os.mkfifo(photographs / "train/flower/pipe.png")
    with pytest.raises(MissingImagesError) as refusal:
        load(photographs, tmp_path / "kept")
    message = str(refusal.value)
    assert message.startswith(
        "12 of 25 images cannot be read: train/china/000.png (it is no image, or its format is none of BMP"
    )
    assert f"; and more; list: {tmp_path / 'kept/unreadable.csv'}. Repair" in message
    assert "\n" not in message
    (warning,) = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    assert len(warning.splitlines()) == 1 + 10
    with (tmp_path / "kept/unreadable.csv").open() as listed:
        rows = list(csv.DictReader(listed))
    assert [row["file"] for row in rows] == [f"train/china/{file.name}" for file in broken] + ["train/flower/pipe.png"]
    assert rows[-1]["reason"] == "OSError: it is a named pipe, not a file"


def test_a_name_with_a_line_break_stays_one_line(photographs):
    (photographs / "train/china/a\nb.png").write_bytes(b"x")
    with pytest.raises(
        MissingImagesError, match=r"1 of 25 images cannot be read: train/china/a\\nb.png \(it is no image"
    ):
        load(photographs)


def test_a_class_of_which_nothing_can_be_read_is_named(tmp_path, photographs):
    write(photographs / "test", 2, start=100)
    for file in (photographs / "test/flower").iterdir():
        file.write_bytes(b"")
    with pytest.raises(MissingImagesError, match="no image of the class 'flower' in test can be read"):
        load(photographs, tmp_path / "kept", on_unreadable="skip")


def test_height_and_width_may_differ_and_one_number_is_both(tmp_path, photographs):
    assert load(photographs, size=(16, 24)).image_shape == (3, 16, 24)
    load(photographs, tmp_path / "kept", size=[16, 16])
    load(photographs, tmp_path / "kept", size=16)
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 1


@pytest.mark.parametrize("size", [7, 1025, [16, 7], [16], [16, 16, 16], "16 x 16"])
def test_other_sizes_are_refused(photographs, size):
    with pytest.raises(ValidationError, match="image_size"):
        load(photographs, size=size)


def test_a_process_that_is_killed_leaves_what_is_decoded(tmp_path, photographs, in_processes, monkeypatch):
    """The part with the deadly file is decoded again, and all others are kept."""
    monkeypatch.setattr(parallel, "available_cores", lambda: 1)
    monkeypatch.setattr(parallel, "decode_into_map", deadly)
    with pytest.raises(MissingImagesError, match="a process that decodes images was killed.*is kept"):
        load(photographs, tmp_path / "kept")
    monkeypatch.undo()
    decoded = []
    real = parallel.decode_files
    monkeypatch.setattr(parallel, "decode_files", lambda *given: decoded.extend(given[0]) or real(*given))
    assert load(photographs, tmp_path / "kept").fingerprint == load(photographs).fingerprint
    assert 1 <= len(decoded) - 24 <= 24 - 14


def deadly(paths, map_path, rows):
    return decode_into_map(paths, map_path, rows) if 20 not in rows else os._exit(1)


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".tif", ".TIFF"])
def test_other_usual_formats_are_images(photographs, suffix):
    cut("china", 50).save(photographs / f"train/china/other{suffix}")
    assert len(load(photographs).collection.labels) == 25


@pytest.mark.parametrize("duplicates", ["auto", "keep_on_one_side"])
def test_pictures_that_are_all_alike_can_still_be_split_unless_that_was_chosen(tmp_path, caplog, duplicates):
    """Enlarged digits: near duplicates chain a whole class together."""
    digits = load_digits()
    for label in (0, 1):
        (tmp_path / str(label)).mkdir()
        for index, image in enumerate(digits.images[digits.target == label][:40]):
            enlarged = Image.fromarray((image * 15.9).astype("uint8")).resize((28, 28), Image.Resampling.BILINEAR)
            enlarged.save(tmp_path / str(label) / f"{index}.png")
    options = {"folder": str(tmp_path), "image_size": 28, "channels": 1}

    def load():
        return load_images("image_folder", 0.25, 0.25, 0, options, duplicates=duplicates, near_duplicates_limit=1000)

    if duplicates == "auto":
        images = load()
        assert len(images.validation) == len(images.test) == 20
        assert "too much alike" in caplog.text
    else:
        with pytest.raises(InvalidValueError, match="belong together, or are copies"):
            load()
