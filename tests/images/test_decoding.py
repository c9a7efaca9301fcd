import numpy as np
import pytest
from PIL import Image

from mf_nas_kd.images.decoding import decode_file, decode_files, decode_into_map


@pytest.fixture
def save(tmp_path):
    def save(name, pixels, **options):
        path = tmp_path / name
        Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
        return path

    return save


def test_an_image_of_the_wanted_size_keeps_its_pixels_channels_first(save):
    pixels = np.random.default_rng(0).integers(256, size=(5, 5, 3))
    assert np.array_equal(decode_file(save("a.png", pixels), 3, 5), pixels.transpose(2, 0, 1))


def test_grey_images_have_one_channel_or_three_equal_ones(save):
    path = save("a.png", np.arange(16).reshape(4, 4))
    assert decode_file(path, 1, 4).tolist() == [np.arange(16).reshape(4, 4).tolist()]
    assert np.array_equal(decode_file(path, 3, 4), np.stack([np.arange(16).reshape(4, 4)] * 3))


def test_the_middle_of_the_longer_side_is_kept(save):
    wide = np.repeat([[0, 0, 9, 9, 9, 9, 0, 0]], 4, axis=0)
    assert (decode_file(save("wide.png", wide), 1, 4) == 9).all()
    assert (decode_file(save("high.png", wide.T), 1, 4) == 9).all()


def test_a_smaller_image_is_the_mean_of_the_larger(save):
    halves = np.repeat(np.repeat([[0, 200]], 8, axis=0), 4, axis=1)
    left, right = decode_file(save("a.png", halves), 1, 2)[0].mean(axis=0)
    assert left + right == pytest.approx(200, abs=1)
    assert left < 40 < 160 < right


def test_what_is_transparent_is_laid_on_white(save):
    half = np.zeros((2, 2, 4))
    half[:, 1, 3] = 255  # the right column is black, the left one is not seen
    assert decode_file(save("a.png", half), 1, 2).tolist() == [[[255, 0], [255, 0]]]


def test_an_image_is_turned_as_its_camera_says(save):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    path = save("a.png", [[1, 2], [3, 4]], exif=exif)
    assert decode_file(path, 1, 2).tolist() == [[[3, 1], [4, 2]]]


def test_every_file_that_cannot_be_read_is_named_and_the_others_are_read(save, tmp_path):
    good, broken, absent = save("good.png", [[7]]), tmp_path / "broken.png", tmp_path / "absent.png"
    broken.write_bytes(b"no image")
    pixels = np.zeros((3, 1, 1, 1), dtype=np.uint8)
    failures = decode_files([broken, absent, good], pixels)
    assert [failure.partition(" (")[0] for failure in failures] == [str(broken), str(absent)]
    assert "UnidentifiedImageError" in failures[0]
    assert "FileNotFoundError" in failures[1]
    assert pixels.ravel().tolist() == [0, 0, 7]


def test_a_part_of_a_map_is_written_in_its_place(save, tmp_path):
    whole = tmp_path / "pixels.npy"
    np.save(whole, np.zeros((4, 1, 1, 1), dtype=np.uint8))
    assert decode_into_map([save("a.png", [[5]]), save("b.png", [[6]])], str(whole), 1) == []
    assert np.load(whole).ravel().tolist() == [0, 5, 6, 0]
