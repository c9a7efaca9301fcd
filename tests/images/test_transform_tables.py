"""What the rows of a table do: affine maps, colours and erased rectangles, against plain formulas and torch's own operations."""

import colorsys

import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import ResizedCrop, Strong
from mf_nas_kd.images.augmentations.boxes import Boxes, pixel_centres
from mf_nas_kd.images.augmentations.colour import YIQ, colour_maps, for_channels, recolour
from mf_nas_kd.images.augmentations.drawing import RowDraws
from mf_nas_kd.images.augmentations.sampling import affine_maps, sample
from tests.images.test_augmentations import OPTIONS, every_row, pixels

NOTHING = {
    **OPTIONS["strong"],
    "area": [1, 1],
    "aspect": [1, 1],
    **dict.fromkeys(("padding", "rotation_degrees", "brightness", "contrast", "saturation", "hue"), 0.0),
    "erasing_probability": 0.0,
    "flip": False,
}
"""Options of ``strong`` with which all rows are the same."""


def strong(**changes):
    return Strong(Strong.Options.model_validate({**NOTHING, **changes}))


def box(area, aspect, across, down):
    return Boxes(*(torch.tensor([each], dtype=torch.float64) for each in (area, aspect, [across, down])))


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def sampled(images, centre=(0, 0), size=(1, 1), flip=False, angle=0.0):
    shape = images.shape[3] / images.shape[2]
    maps = affine_maps(doubles(centre), doubles(size), torch.tensor([flip]), doubles(angle), shape)
    return sample(images.float(), maps.float().expand(len(images), 2, 3))


@pytest.mark.parametrize(("height", "width"), [(40, 40), (40, 60), (60, 40)])
def test_a_crop_has_its_area_and_its_aspect_in_pixels(height, width):
    centres, sizes = box(0.25, 1.2, 0.0, 0.0).within(height, width)
    across, down = (sizes[0] * doubles(width, height)).tolist()
    assert across * down == pytest.approx(0.25 * height * width)
    assert across / down == pytest.approx(1.2)
    assert centres.tolist() == [[0, 0]]


def test_a_crop_whose_aspect_does_not_fit_keeps_its_area():
    assert torch.allclose(box(0.5, 9.0, 0.0, 0.0).within(10, 10)[1], doubles([1, 0.5]))
    assert torch.allclose(box(0.5, 0.1, 0.0, 0.0).within(10, 20)[1], doubles([0.5, 1]))


def test_a_crop_is_moved_to_the_edge_and_by_the_padding_beyond_it():
    centres, sizes = box(0.25, 1.0, -1.0, 1.0).within(8, 8)
    assert torch.allclose(centres, doubles([-0.5, 0.5]))
    assert torch.allclose(sizes, doubles([0.5, 0.5]))
    centres, _ = box(0.25, 1.0, -1.0, 1.0).within(8, 8, padding=0.25)
    assert torch.allclose(centres, doubles([-1.0, 1.0]))


def test_a_box_of_no_area_is_empty_in_all_images():
    assert box(0.0, 2.0, 1.0, 1.0).within(3, 5)[1].tolist() == [[0, 0]]


def test_drawn_boxes_are_within_their_ranges_and_use_them():
    boxes = Boxes.draw(RowDraws(2000, 0), "crop", (0.2, 0.6), (0.5, 2.0), first=1.0)
    assert boxes.areas[0] == 1
    assert boxes.positions[0].tolist() == [0, 0]
    assert (boxes.areas[1:].min(), boxes.areas[1:].max()) == pytest.approx((0.2, 0.6), abs=0.01)
    assert (boxes.aspects.min(), boxes.aspects.max()) == pytest.approx((0.5, 2.0), abs=0.02)
    assert (boxes.aspects > 1).double().mean() == pytest.approx(0.5, abs=0.05)
    assert boxes.positions.abs().max() == pytest.approx(1, abs=0.01)


def test_more_rows_begin_with_the_same_ones_and_properties_are_drawn_apart():
    few, many = (RowDraws(rows, 0).uniform("hue", (0, 1), first=0.0) for rows in (5, 50))
    assert torch.equal(few, many[:5])
    assert not torch.equal(few[1:], RowDraws(5, 0).uniform("flip", (0, 1), first=0.0)[1:])
    assert not torch.equal(few[1:], RowDraws(5, 1).uniform("hue", (0, 1), first=0.0)[1:])


def test_a_map_that_is_a_shift_by_whole_pixels_is_exact():
    images = pixels(height=6, width=8)
    shifted = sampled(images, centre=(-2 * 2 / 8, 2 / 6)).round()  # two columns to the left, one row down
    assert torch.equal(shifted[:, :, :5, 2:], images[:, :, 1:, :6].float())
    assert torch.equal(shifted[:, :, :5, :2], images[:, :, 1:, :2].flip(3).float())  # mirrored beyond the edge


def test_a_half_of_the_image_is_enlarged_as_torch_does():
    images = pixels(height=8, width=8).float()
    enlarged = sampled(images, centre=(-0.5, 0.5), size=(0.5, 0.5))
    expected = torch.nn.functional.interpolate(images[:, :, 4:, :4], scale_factor=2, mode="bilinear")
    # The last column of ours is between pixels of the crop and those beside it, where interpolate repeats the last.
    assert torch.allclose(enlarged[:, :, 1:, :-1], expected[:, :, 1:, :-1], atol=1e-3)


def test_a_mirrored_crop_is_the_crop_mirrored_and_twice_is_nothing():
    images = pixels()
    part = {"centre": (0.2, -0.1), "size": (0.6, 0.8)}
    assert torch.allclose(sampled(images, **part, flip=True), sampled(images, **part).flip(3), atol=1e-3)
    table = strong(flip=True)
    rows = torch.arange(len(table))
    twice = table.apply(table.apply(pixels(len(rows)), rows), rows)
    assert torch.equal(twice, pixels(len(rows)))
    assert len(every_row(table, images).unique(dim=0)) == 2


def test_a_quarter_turn_is_that_of_torch():
    images = pixels(height=6, width=6)
    assert torch.equal(sampled(images, angle=torch.pi / 2).round(), torch.rot90(images, dims=(2, 3)).float())


def test_a_turn_keeps_lengths_in_images_that_are_no_squares():
    maps = affine_maps(doubles((0, 0)), doubles((1, 1)), torch.tensor([False]), doubles(0.3), shape=3.0)[0, :, :2]
    in_pixels = doubles([3.0], [1.0]) * maps / doubles(3.0, 1.0)
    assert torch.allclose(in_pixels @ in_pixels.T, torch.eye(2, dtype=torch.float64))
    assert in_pixels[1, 0] == pytest.approx(torch.tensor(0.3).sin().item())


def test_colour_maps_are_the_steps_one_after_the_other():
    image = pixels(1).double()
    grey = (image * YIQ[0][:, None, None]).sum(dim=1, keepdim=True)
    lighter = 1.3 * image
    saturated = 0.4 * lighter + 0.6 * 1.3 * grey
    expected = 127.5 + 0.7 * (saturated - 127.5)
    maps = colour_maps(doubles(1.3), doubles(0.7), doubles(0.4), doubles(0.0))
    assert torch.allclose(recolour(image, maps), expected)


def test_a_turn_of_the_hue_turns_it_and_a_grey_stays():
    maps = colour_maps(doubles(1.0), doubles(1.0), doubles(1.0), doubles(1 / 3))
    grey = torch.full((1, 3, 1, 1), 80.0, dtype=torch.float64)
    assert torch.allclose(recolour(grey, maps), grey)
    red = doubles(160, 100, 100)
    turned = recolour(red.view(1, 3, 1, 1), maps).flatten()
    assert YIQ[0] @ turned == pytest.approx((YIQ[0] @ red).item())
    hues = [colorsys.rgb_to_hsv(*(colour / 255).tolist())[0] for colour in (red, turned)]
    assert (hues[1] - hues[0]) % 1 == pytest.approx(1 / 3, abs=0.08)  # a circle of YIQ is a hexagon of HSV


def test_a_grey_image_is_changed_as_the_grey_of_a_colour_image():
    grey = pixels(1, channels=1).double()
    maps = colour_maps(doubles(1.3), doubles(0.7), doubles(0.4), doubles(0.2))
    in_colour = recolour(grey.expand(-1, 3, -1, -1), maps)
    assert torch.allclose(recolour(grey, for_channels(maps, 1)).expand(-1, 3, -1, -1), in_colour)
    with pytest.raises(InvalidValueError, match="colours are changed is 2, but must be 1 or 3"):
        for_channels(maps, 2)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_property_of_the_colours_changes_them_by_no_more_than_is_said(name):
    images = pixels(1, height=16, width=16) // 2 + 64  # nothing is cut to the range of a byte
    changed = every_row(strong(**{name: 0.1}), images)
    assert len(changed.unique(dim=0)) > 30  # of 40; two may be rounded to the same bytes
    largest = (changed.float() - images).abs().amax(dim=(1, 2, 3))
    assert 2 < largest.max() <= {"brightness": 20, "contrast": 8, "saturation": 14, "hue": 90}[name]


@pytest.mark.parametrize(("height", "width"), [(40, 40), (30, 60)])
def test_a_rectangle_of_one_colour_and_its_share_of_the_area_is_erased(height, width):
    images = pixels(1, height=height, width=width)
    table = strong(erasing_probability=1.0, erasing_area=[0.2, 0.2])
    erased = every_row(table, images)
    assert torch.equal(erased[0], images[0])
    for image in erased[1:]:
        changed = (image != images[0]).any(dim=0)
        rows, columns = changed.any(dim=1).nonzero().flatten(), changed.any(dim=0).nonzero().flatten()
        inside = image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].flatten(1)
        assert (inside == inside[:, :1]).all()
        assert inside.shape[1] / (height * width) == pytest.approx(0.2, abs=0.05)


def test_as_many_rows_erase_as_is_said():
    table = strong(erasing_probability=0.25, erasing_area=[0.5, 0.5], rows=1000)
    erased = (every_row(table, pixels()) != pixels()[0]).flatten(1).any(dim=1)
    assert erased.double().mean() == pytest.approx(0.25, abs=0.04)


def test_strong_without_colours_and_erasing_is_a_resized_crop():
    options = OPTIONS["resized_crop"]
    plain = ResizedCrop(ResizedCrop.Options.model_validate(options))
    assert torch.equal(every_row(strong(**options), pixels()), every_row(plain, pixels()))


def test_pixel_centres_are_those_of_an_image_from_minus_one_to_one():
    assert pixel_centres(4, torch.device("cpu")).tolist() == [-0.75, -0.25, 0.25, 0.75]
