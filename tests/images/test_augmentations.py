"""Every augmentation keeps what the interface promises; a new one is tested as soon as it is in the table."""

import pickle

import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd.images import AUGMENTATIONS, AugmentationSettings, CropFlip, Identity, ResidentImages
from mf_nas_kd.seeding import canonical_json

OPTIONS = {
    "crop_flip": {"padding": 1, "flip": True, "rows": None, "seed": 0},
    "identity": {},
}
"""Options of every augmentation, for the contract suite: a new augmentation adds its line here."""


def settings_of(name, **changes):
    return AugmentationSettings.model_validate({"name": name, "options": {name: {**OPTIONS[name], **changes}}})


def pixels(count=3, channels=3, size=5):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, channels, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_row_gives_images_of_the_same_shape_channels_last_in_memory(name, channels):
    augmentation = settings_of(name).build()
    for row in range(len(augmentation)):
        augmented = augmentation.apply(pixels(channels=channels), torch.full((3,), row))
        assert augmented.shape == (3, channels, 5, 5)
        assert 0 <= augmented.min() <= augmented.max() <= 255
        assert augmented.permute(0, 2, 3, 1).stride() == (25 * channels, 5 * channels, channels, 1)


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
def test_an_augmentation_that_was_sent_to_another_process_is_the_same(name):
    augmentation = settings_of(name).build()
    augmentation.apply(pixels(), torch.zeros(3, dtype=torch.int64))
    again = pickle.loads(pickle.dumps(augmentation))
    rows = torch.full((3,), len(augmentation) - 1)
    assert torch.equal(again.apply(pixels(), rows), augmentation.apply(pixels(), rows))
    assert again.cache_key == augmentation.cache_key


def test_cache_keys_are_json_and_differ_as_soon_as_an_option_does():
    variants = [settings_of(name) for name in AUGMENTATIONS]
    variants += [settings_of("crop_flip", **{name: value}) for name, value in (("padding", 2), ("flip", False))]
    variants += [settings_of("crop_flip", rows=4), settings_of("crop_flip", rows=4, seed=1)]
    keys = [canonical_json(settings.build().cache_key) for settings in variants]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "cutout", "options": {}}, "augmentation.name is 'cutout', but must be one of: crop_flip, identity"),
        ({"name": "identity", "options": {}}, "augmentation.name without augmentation.options is 'identity'"),
        ({"name": "identity", "options": {"identity": {"seed": 0}}}, "Extra inputs are not permitted"),
        ({"name": "identity", "options": {"identity": {}, "crop_flip": {}}}, "padding\n.*Field required"),
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
