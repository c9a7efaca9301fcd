"""Real pictures to copy: pieces of scikit-learn's photographs that do not overlap."""

from io import BytesIO

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

SIDE = 64
PLAIN = 12  # standard deviation of grey levels below which a piece is sky or background without structure


def pieces():
    """About a hundred pieces of 64x64 pixels with some structure, as images of Pillow."""
    grids = [
        photograph[row : row + SIDE, column : column + SIDE]
        for photograph in load_sample_images().images
        for row in range(0, photograph.shape[0] - SIDE + 1, SIDE)
        for column in range(0, photograph.shape[1] - SIDE + 1, SIDE)
    ]
    images = [Image.fromarray(piece) for piece in grids]
    return [image for image in images if np.asarray(image.convert("L")).std() >= PLAIN]


def re_encoded(image, quality=50):
    """The image after it was saved as a JPEG file."""
    content = BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")


def cropped(image, rng):
    """Between 80 and 90 % of width and height, anywhere in the image."""
    side = rng.uniform(0.8, 0.9)
    left, top = rng.uniform(0, 1 - side, 2)
    box = (np.array([left, top, left + side, top + side]) * np.tile(image.size, 2)).round().astype(int)
    return image.crop(tuple(box.tolist()))


def mirrored(image):
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def pixels(images, size=32):
    """Images as one array ``(n, 3, size, size)``, uint8."""
    return np.stack([np.asarray(image.resize((size, size), Image.BILINEAR)).transpose(2, 0, 1) for image in images])
