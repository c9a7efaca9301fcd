"""Crops of random area and aspect at a random place, enlarged to the size of the image, and flipped or not.

References:
    Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich (2015). Going deeper with convolutions.
    CVPR, section 6; ``RandomResizedCrop`` of torchvision. Differences: the crops are rows of a finite table; and a crop
    whose aspect does not fit takes the closest one that does, where torchvision draws again.
"""

from __future__ import annotations

from mf_nas_kd.images.augmentations.table import CropOptions, Crops, TransformTable


class ResizedCrop(TransformTable):
    """Random resized crops.

    >>> options = ResizedCrop.Options(area=(0.25, 1), aspect=(0.75, 1.33), flip=True, rows=512, seed=0)
    >>> len(ResizedCrop(options))
    512

    Args:
        options: Areas, aspects, flips, and the number of rows.
    """

    Options = CropOptions

    def __init__(self, options: CropOptions) -> None:
        super().__init__("resized_crop", options, Crops.draw(options))
