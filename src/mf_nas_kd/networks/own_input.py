"""Networks that see images at their own size and with their own normalisation, as pretrained ones do.

A study gives images of its size, normalised with the statistics of its training images. A network that was trained on
others gets them as it knows them: an :class:`InputAdapter` before its first layer is part of the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import Options

PixelStatistics = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of each channel, of pixels in [0, 1]."""

INPUT_FIELDS = ("input_size", "normalisation")
"""Fields of a network's description that belong to its input adapter."""


class Normalisation(Options):
    """Numbers with which images are normalised.

    Attributes:
        mean: Mean of each channel that is subtracted from pixels in [0, 1].
        std: Standard deviation of each channel by which the difference is divided.
    """

    mean: Annotated[tuple[float, ...], Field(min_length=1)]
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


@dataclass(frozen=True)
class PretrainedInput:
    """What the published weights of a network were trained on.

    Attributes:
        size: Height and width of the images, in pixels.
        normalisation: Their normalisation.
    """

    size: tuple[int, int]
    normalisation: Normalisation


class OwnInputOptions(Options):
    """Options of networks that may have been trained on images of another size and normalisation.

    Attributes:
        input_size: Size at which the network sees images: pixels of a square, or height and width; ``pretrained`` for
            that of its published weights; None for the study's.
        normalisation: ``study`` for the statistics of the study's training images; ``pretrained`` for that of the
            published weights; or numbers.
    """

    input_size: PositiveInt | tuple[PositiveInt, PositiveInt] | Literal["pretrained"] | None
    normalisation: Literal["study", "pretrained"] | Normalisation

    def pretrained_input(self) -> PretrainedInput:
        """What the published weights of the network were trained on."""
        raise NotImplementedError

    def resolved_fields(self) -> dict[str, Any]:
        """The options as plain values: what is as in the study is left out, the rest is in numbers.

        Raises:
            MfNasKdError: If the library does not know the network, or has no published weights of it.
        """
        fields = self.model_dump(mode="json", exclude=set(INPUT_FIELDS))
        size: Any = self.pretrained_input().size if self.input_size == "pretrained" else self.input_size
        if size is not None:
            fields["input_size"] = [size, size] if isinstance(size, int) else list(size)
        if self.normalisation != "study":
            own = self.pretrained_input().normalisation if self.normalisation == "pretrained" else self.normalisation
            fields["normalisation"] = own.model_dump(mode="json")
        return fields


class InputAdapter(nn.Module):
    """Makes images as a network knows them from those of a study. It has no parameters and no state.

    The study's normalisation is undone, the network's own applied, and the image resized (bilinear, with antialiasing
    where it becomes smaller). Resizing averages pixels with weights that add up to 1, so that it commutes with the
    normalisation. One channel becomes as many equal ones as the network's own normalisation has.

    Args:
        study: Mean and standard deviation of each channel with which the images were normalised.
        size: Height and width of the network's images; None for the study's.
        own: The network's own normalisation; None for the study's.

    Raises:
        InvalidValueError: If the own normalisation has another number of channels than the study's images, which have
            more than one; or mean and deviation have different numbers.
    """

    def __init__(self, study: PixelStatistics, size: tuple[int, int] | None, own: PixelStatistics | None) -> None:
        super().__init__()
        self._size = size
        study_mean, study_std = (torch.tensor(values, dtype=torch.float64) for values in study)
        mean, std = (torch.tensor(v, dtype=torch.float64) for v in own) if own is not None else (study_mean, study_std)
        if len(mean) != len(std) or len(study_mean) not in (1, len(mean)):
            allowed = f"one number each for a channel, of which the images have {len(study_mean)}"
            raise InvalidValueError("normalisation (mean, std)", (mean.tolist(), std.tolist()), allowed)
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", (study_std / std).float()[:, None, None], persistent=False)
        self.register_buffer("shift", ((study_mean - mean) / std).float()[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Adapt images ``(B, C, H, W)``, normalised as the study's; returns ``(B, C', H', W')``."""
        adapted = images * self.scale + self.shift
        if self._size is None or tuple(images.shape[-2:]) == self._size:
            return adapted
        return functional.interpolate(adapted, self._size, mode="bilinear", antialias=True, align_corners=False)


def own_channels(fields: Mapping[str, Any], image_channels: int) -> int:
    """Channels of the images as the network sees them: of its own normalisation, or the study's."""
    return len(fields["normalisation"]["mean"]) if "normalisation" in fields else image_channels


def adapter_of(fields: Mapping[str, Any], study: PixelStatistics) -> InputAdapter | None:
    """The input adapter that a network's description asks for; None where its images are the study's.

    Args:
        fields: Fields of the description.
        study: Mean and standard deviation of each channel with which the study's images are normalised.
    """
    if not any(name in fields for name in INPUT_FIELDS):
        return None
    own = fields.get("normalisation")
    size = fields.get("input_size")
    return InputAdapter(study, None if size is None else (size[0], size[1]), own and (own["mean"], own["std"]))
