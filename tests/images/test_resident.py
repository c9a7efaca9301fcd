import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Identity, LabelledImages, ResidentImages

CPU = torch.device("cpu")


def test_batches_are_normalised_and_channels_last(digits):
    resident = ResidentImages(digits.train, Identity(), digits.pixel_statistics, CPU)
    batch = resident.batch(torch.arange(len(digits.train)), torch.zeros(len(digits.train), dtype=torch.int64))
    assert batch.images.mean().item() == pytest.approx(0, abs=1e-4)
    assert batch.images.std().item() == pytest.approx(1, abs=1e-3)
    assert torch.equal(batch.labels, digits.train.labels)
    colour = LabelledImages(torch.zeros(4, 3, 5, 5, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    images = ResidentImages(colour, Identity(), ((0.0,) * 3, (1.0,) * 3), CPU).batch(
        torch.arange(4), torch.zeros(4).long()
    )
    assert images.images.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_knows_positions_and_augmentations(digits):
    part = digits.train[torch.tensor([4, 8, 15, 16])]
    resident = ResidentImages(part, Identity(), digits.pixel_statistics, CPU)
    positions, rows = torch.tensor([3, 0, 3]), torch.zeros(3, dtype=torch.int64)
    batch = resident.batch(positions, rows)
    assert len(resident) == 4
    assert torch.equal(batch.positions, positions)
    assert torch.equal(batch.augmentations, rows)
    assert torch.equal(batch.labels, digits.train.labels[[16, 4, 16]])
    (mean,), (std,) = digits.pixel_statistics
    expected = (digits.train.images[[16, 4, 16]].float() / 255 - mean) / std
    torch.testing.assert_close(batch.images, expected, atol=1e-5, rtol=1e-5)


def test_the_student_sees_averages_of_pixels_and_the_teacher_the_images_themselves(digits):
    own, small = (
        ResidentImages(digits.train, Identity(), digits.pixel_statistics, CPU, size) for size in (None, (4, 4))
    )
    positions, rows = torch.arange(5), torch.zeros(5, dtype=torch.int64)
    full, reduced = own.batch(positions, rows), small.batch(positions, rows)
    assert torch.equal(reduced.teacher_images, full.images)
    expected = full.images.reshape(5, 1, 4, 2, 4, 2).mean(dim=(3, 5))
    torch.testing.assert_close(reduced.images, expected)
    assert reduced.images.is_contiguous(memory_format=torch.channels_last)


def test_a_larger_size_for_the_student_is_refused(digits):
    with pytest.raises(
        InvalidValueError, match=r"image size is \(16, 8\), but must be at most that of the images, \(8"
    ):
        ResidentImages(digits.train, Identity(), digits.pixel_statistics, CPU, (16, 8))
