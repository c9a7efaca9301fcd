import numpy as np
import pytest
from PIL import Image

from mf_nas_kd.errors import MissingImagesError
from mf_nas_kd.planning.survey import survey_folder


def write(path, size, mode="RGB", colour=(200, 30, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 255, (size[1], size[0]), dtype=np.uint8)
    image = Image.fromarray(pixels)
    (image if mode == "L" else Image.merge(mode, [image.point(lambda p, c=c: p * c // 255) for c in colour])).save(path)


def test_sizes_classes_splits_and_colours_are_seen(tmp_path):
    for index in range(3):
        write(tmp_path / "train" / "cat" / f"{index}.png", (60, 40))
        write(tmp_path / "test" / "cat" / f"{index}.png", (60, 40))
    write(tmp_path / "train" / "dog" / "0.jpg", (60, 40))
    write(tmp_path / "train" / "dog" / "1.jpg", (60, 40))
    write(tmp_path / "test" / "dog" / "0.jpg", (60, 40))
    survey = survey_folder(tmp_path)
    assert survey.splits == {"train": 5, "test": 4}
    assert survey.classes == {"cat": 3, "dog": 2}
    assert survey.imbalance == 1.5
    assert survey.side == 40
    assert not survey.is_grey


@pytest.mark.parametrize(("mode", "end", "colour"), [("L", "png", ()), ("RGB", "jpg", (255, 255, 255))])
def test_grey_pictures_are_grey_also_in_a_file_with_three_channels(tmp_path, mode, end, colour):
    for name in "ab":
        for index in range(2):
            write(tmp_path / name / f"{index}.{end}", (9, 9), mode, colour)
    assert survey_folder(tmp_path).is_grey


def test_a_folder_in_which_nothing_can_be_read_is_refused(tmp_path):
    for name in "ab":
        for index in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{index}.png").write_bytes(b"no image")
    with pytest.raises(MissingImagesError, match="none of 4 image files"):
        survey_folder(tmp_path)
