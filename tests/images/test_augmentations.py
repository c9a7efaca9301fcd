"""Every augmentation keeps what the interface promises; a new one is tested as soon as it is in the table."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.images import AUGMENTATIONS, AugmentationSettings, CropFlip, Identity, ResidentImages
from mf_nas_kd.seeding import canonical_json

OPTIONS = {
    "none": {},
    "crop_flip": {"padding": 1, "flip": True, "rows": None, "seed": 0},
    "resized_crop": {"area": [0.25, 1.0], "aspect": [0.75, 1.3333], "flip": True, "rows": 40, "seed": 0},
    "strong": {
        "area": [0.5, 1.0],
        "aspect": [0.75, 1.3333],
        "padding": 0.1,
        "flip": True,
        "rotation_degrees": 10.0,
        "brightness": 1.0,
        "contrast": 1.0,
        "saturation": 1.0,
        "hue": 0.5,
        "erasing_probability": 0.5,
        "erasing_area": [0.1, 0.3],
        "erasing_aspect": [0.3, 3.3333],
        "rows": 40,
        "seed": 0,
    },
}
"""Options of every augmentation, for the contract suite: a new augmentation adds its line here."""


def settings_of(name, **changes):
    return AugmentationSettings.model_validate({"name": name, "options": {name: {**OPTIONS[name], **changes}}})


def strong(**changes):
    return {"name": "strong", "options": {"strong": {**OPTIONS["strong"], **changes}}}


def pixels(count=3, channels=3, height=5, width=7):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, channels, height, width), dtype=torch.uint8, generator=generator)


def every_row(augmentation, images):
    """Each row of the table, applied to the first image."""
    rows = torch.arange(len(augmentation))
    return augmentation.apply(images[:1].expand(len(rows), *images.shape[1:]), rows)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(5, 5), (5, 7), (12, 3)])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_row_gives_images_of_the_same_shape_channels_last_in_memory(name, height, width, channels):
    augmentation = settings_of(name).build()
    images = pixels(channels=channels, height=height, width=width)
    for row in range(len(augmentation)):
        augmented = augmentation.apply(images, torch.full((3,), row))
        assert augmented.shape == images.shape
        assert 0 <= augmented.min() <= augmented.max() <= 255
        strides = (height * width * channels, width * channels, channels, 1)
        assert augmented.permute(0, 2, 3, 1).stride() == strides


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_image_does_not_depend_on_the_others_of_its_batch_and_the_pixels_stay(name):
    augmentation, images = settings_of(name).build(), pixels(count=40)
    before = images.clone()
    rows = torch.arange(40) % len(augmentation)
    together = augmentation.apply(images, rows)
    assert torch.equal(images, before)
    for i in (0, 7, 39):
        assert torch.equal(augmentation.apply(images[i : i + 1], rows[i : i + 1])[0], together[i])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_one_row_leaves_an_image_as_it_is_and_the_others_differ(name):
    augmented = every_row(settings_of(name).build(), pixels(height=15, width=13))
    assert len(augmented.unique(dim=0)) == len(augmented)
    assert sum(torch.equal(image, pixels(height=15, width=13)[0]) for image in augmented) == 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_that_was_sent_to_another_process_is_the_same(name):
    augmentation = settings_of(name).build()
    augmentation.apply(pixels(), torch.zeros(3, dtype=torch.int64))
    again = pickle.loads(pickle.dumps(augmentation))
    assert torch.equal(every_row(again, pixels()), every_row(augmentation, pixels()))
    assert again.cache_key == augmentation.cache_key


def test_another_process_makes_the_same_tables():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        there = other.submit(made_of_every_name).result()
    assert there == made_of_every_name()


def made_of_every_name():
    return {name: every_row(settings_of(name).build(), pixels()).tolist() for name in AUGMENTATIONS}


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_device_is_not_waited_for(name):
    """No value is asked for: on this device there are none."""
    augmentation, images = settings_of(name).build(), pixels().to("meta")
    assert augmentation.apply(images, torch.zeros(3, dtype=torch.int64, device="meta")).shape == images.shape


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_student_and_teacher_see_the_same_pixels(name, digits):
    """In a batch, and among other images, as when targets are precomputed."""
    augmentation, cpu = settings_of(name).build(), torch.device("cpu")
    resident = ResidentImages(digits.train, augmentation, digits.pixel_statistics, cpu)
    positions, rows = torch.arange(20), torch.arange(20) % len(augmentation)
    batch = resident.batch(positions, rows)
    assert torch.equal(batch.images, batch.teacher_images)
    few = ResidentImages(digits.train[torch.tensor([3, 17])], augmentation, digits.pixel_statistics, cpu)
    alone = few.batch(torch.tensor([1, 0, 1]), rows[[17, 3, 17]])
    assert torch.equal(alone.teacher_images, batch.teacher_images[[17, 3, 17]])


def test_cache_keys_are_json_and_differ_as_soon_as_an_option_does():
    variants = [settings_of(name) for name in AUGMENTATIONS]
    variants += [settings_of("crop_flip", **{name: value}) for name, value in (("padding", 2), ("flip", False))]
    variants += [settings_of("crop_flip", rows=4), settings_of("crop_flip", rows=4, seed=1)]
    variants += [settings_of("resized_crop", **change) for change in ({"rows": 4}, {"seed": 1}, {"flip": False})]
    variants += [
        settings_of("strong", **{name: 0.25}) for name, value in OPTIONS["strong"].items() if type(value) is float
    ]
    variants += [settings_of("strong", **{name: [0.3, 0.4]}) for name in ("area", "aspect", "erasing_area")]
    keys = [canonical_json(settings.build().cache_key) for settings in variants]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "cutout", "options": {}}, "augmentation.name is 'cutout', but must be one of: crop_flip, none"),
        ({"name": "none", "options": {}}, "augmentation.name without augmentation.options is 'none'"),
        ({"name": "none", "options": {"none": {"seed": 0}}}, "Extra inputs are not permitted"),
        ({"name": "none", "options": {"none": {}, "crop_flip": {}}}, "padding\n.*Field required"),
        (strong(area=[0.9, 0.1]), r"area\n.*is \[0.9, 0.1\], but must be two numbers, the smaller one first"),
        (strong(area=0.5), r"area\n.*is 0.5, but must be two numbers, the smaller one first"),
        (strong(area=[0, 1]), r"area.0\n.*greater than 0"),
        (strong(aspect=[-1, 1]), r"aspect.0\n.*greater than 0"),
        (strong(erasing_area=[0.1, 1.1]), r"erasing_area.1\n.*less than or equal to 1"),
        (strong(hue=0.6), "hue\n.*less than or equal to 0.5"),
        (strong(brightness=-0.1), "brightness\n.*greater than or equal to 0"),
        (strong(rows=1), "rows\n.*greater than or equal to 2"),
        (
            {"name": "crop_flip", "options": {"crop_flip": {**OPTIONS["crop_flip"], "rows": 19}}},
            "rows is 19, but must be at most 18",
        ),
    ],
)
def test_wrong_settings_are_refused_when_the_configuration_is_read(given, message):
    with pytest.raises(ValidationError, match=message):
        AugmentationSettings.model_validate(given)


def test_identity_is_the_crop_without_padding(digits):
    plain = CropFlip(CropFlip.Options(padding=0, flip=False, rows=None, seed=0))
    cpu, positions = torch.device("cpu"), torch.tensor([3, 1, 4])
    batches = [
        ResidentImages(digits.train, augmentation, digits.pixel_statistics, cpu).batch(positions, positions * 0)
        for augmentation in (plain, Identity())
    ]
    assert torch.equal(batches[0].images, batches[1].images)
    assert batches[0].images.stride() == batches[1].images.stride()


def test_no_augmentation_has_the_key_of_the_name_that_it_had_first():
    assert settings_of("none").build().cache_key == {"name": "identity"}
