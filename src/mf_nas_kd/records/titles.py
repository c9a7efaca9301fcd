"""Names as titles."""

from __future__ import annotations

IMAGE_FOLDER = "image_folder"


def images_title(source: str) -> str:
    """What a source of images is called in a title.

    >>> images_title("cifar100"), images_title("image_folder")
    ('cifar100', 'your images')
    """
    return "your images" if source == IMAGE_FOLDER else source
