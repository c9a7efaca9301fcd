import numpy as np
import pytest
import torch

from mf_nas_kd.images.duplicates import find_duplicates
from tests.images.photographs import cropped, mirrored, pieces, pixels, re_encoded

PIECES = pieces()
RNG = np.random.default_rng(0)
COPIES = {
    "exact": lambda image: image,
    "re-encoded": re_encoded,
    "crop": lambda image: cropped(image, RNG),
    "mirrored": mirrored,
}


def search(images, near=True, size=32):
    stacked = torch.from_numpy(pixels(images, size))
    return find_duplicates(stacked, torch.arange(len(stacked)), near)


def pairs(found):
    return set(zip(found["first"], found["second"], strict=True))


def test_pictures_that_differ_are_no_duplicates():
    assert search(PIECES).empty


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("size", [32, 48])
def test_copies_are_found_and_their_kind_is_told(kind, size):
    copied = list(range(0, len(PIECES), 3))
    found = search(PIECES + [COPIES[kind](PIECES[index]) for index in copied], size=size)
    planted = {(index, len(PIECES) + number) for number, index in enumerate(copied)}
    told = dict(zip(zip(found["first"], found["second"], strict=True), found["kind"], strict=True))
    right = [pair for pair in planted if told.get(pair) == kind]
    assert len(right) >= 0.9 * len(planted)
    assert set(told) <= planted
    assert found["similarity"].between(0.85, 1).all()


def test_only_equal_pixels_are_told_of_tiny_images_and_where_nothing_else_is_asked_for():
    images = [*PIECES[:5], PIECES[3], re_encoded(PIECES[0]), mirrored(PIECES[1])]
    for found in (search(images, size=8), search(images, near=False)):
        assert found.to_dict("list") == {"first": [3], "second": [5], "kind": ["exact"], "similarity": [1.0]}


def test_each_of_several_equal_images_is_paired_with_the_first():
    assert pairs(search([PIECES[0], PIECES[1], PIECES[0], PIECES[0]])) == {(0, 2), (0, 3)}


def test_images_that_are_not_asked_for_are_in_no_pair():
    stacked = torch.from_numpy(pixels([PIECES[0], PIECES[0], PIECES[1], PIECES[0]]))
    found = find_duplicates(stacked, torch.tensor([1, 2, 3]), near=True)
    assert pairs(found) == {(1, 3)}


def test_images_without_structure_and_single_images_are_no_near_duplicates():
    plain = torch.arange(0, 250, 10, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 32, 32).contiguous()
    assert find_duplicates(plain, torch.arange(len(plain)), near=True).empty
    assert find_duplicates(plain, torch.arange(1), near=True).empty
    assert find_duplicates(plain, torch.arange(0), near=True).empty


def test_where_all_images_look_alike_pairs_stay_few():
    rng = np.random.default_rng(0)
    noise = rng.integers(-3, 4, (400, 3, 32, 32))
    images = (pixels([PIECES[20]]).astype(int) + noise).clip(0, 255).astype(np.uint8)
    found = find_duplicates(torch.from_numpy(images), torch.arange(400), near=True)
    assert 200 <= len(found) <= 5 * 400


def test_grey_and_oblong_images_are_compared():
    grey = [image.convert("L").convert("RGB").resize((64, 48)) for image in PIECES[30:50]]
    images = [*grey, mirrored(grey[3])]
    array = np.stack([np.asarray(image)[None, :, :, 0] for image in images])
    found = find_duplicates(torch.from_numpy(array), torch.arange(len(array)), near=True)
    assert (3, 20) in pairs(found)


def test_the_number_of_threads_is_left_as_it_was():
    before = torch.get_num_threads()
    search(PIECES[:10])
    assert torch.get_num_threads() == before
