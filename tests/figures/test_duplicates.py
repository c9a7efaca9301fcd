import torch

from mf_nas_kd.figures import duplicates_picture
from mf_nas_kd.images import ImageCollection, ImageDataset, duplicates_table, no_pairs


def images():
    pixels, labels = torch.arange(40, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 8, 8), torch.arange(40) % 2
    names = [f"folder/$image_{number}.png" for number in range(40)]
    positions = {"train": torch.arange(20), "validation": torch.arange(20, 30), "test": torch.arange(30, 39)}
    return ImageDataset.of("some", ("cat", "dog"), ImageCollection(pixels, labels, names), positions)


def pairs(kinds):
    table = no_pairs()
    for number, kind in enumerate(kinds):
        table.loc[number] = [number, number + 20, kind, 0.95]
    return table.astype({"first": int, "second": int})


def test_pairs_are_side_by_side_with_names_splits_and_kinds():
    dataset = images()
    table = duplicates_table(dataset, pairs(["exact", "crop"]))
    drawn = duplicates_picture(dataset, table)
    shown = [axis for axis in drawn.axes if axis.images]
    assert [axis.get_ylabel() for axis in shown] == ["crop", "", "exact", ""]
    assert [axis.get_title() for axis in shown][:2] == ["$image_1.png\ntrain, dog", "$image_21.png\nvalidation, dog"]
    assert [int(axis.images[0].get_array().max()) for axis in shown] == [1, 21, 0, 20]
    assert drawn.get_suptitle() == "some: 2 of 2 pairs that show the same picture"


def test_of_many_pairs_of_a_kind_the_first_are_shown():
    dataset = images()
    drawn = duplicates_picture(dataset, duplicates_table(dataset, pairs(["exact"] * 9)))
    assert len([axis for axis in drawn.axes if axis.images]) == 12
    assert drawn.get_suptitle().startswith("some: 6 of 9 pairs")


def test_without_pairs_the_picture_says_so():
    dataset = images()
    drawn = duplicates_picture(dataset, duplicates_table(dataset, no_pairs()))
    assert drawn.get_suptitle() == "no images that show the same picture were found"
