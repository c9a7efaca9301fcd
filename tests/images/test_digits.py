import torch


def test_digits_are_bytes_that_use_the_whole_range(digits):
    assert digits.train.images.dtype == torch.uint8
    assert digits.image_shape == (1, 8, 8)
    assert (digits.train.images.min(), digits.train.images.max()) == (0, 255)
    assert len(digits.train) + len(digits.validation) + len(digits.test) == 1797
