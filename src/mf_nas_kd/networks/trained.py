"""A trained network as a value: its weights, and the description from which its module is rebuilt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from mf_nas_kd.seeding import canonical_json


@dataclass(frozen=True)
class NetworkDescription:
    """Description from which the module of a network is rebuilt and its images are normalised.

    Attributes:
        builder: Name of the builder, one in ``networks.BUILDERS``.
        fields: Keyword arguments of the builder, without classes and image channels.
        classes: Number of classes, ``K``.
        image_shape: Shape ``(C, H, W)`` of one image.
        pixel_mean: Mean of each channel that is subtracted from pixels in [0, 1].
        pixel_std: Standard deviation of each channel by which pixels in [0, 1] are divided.
        trained_on: Fingerprint of the images and their splits.
    """

    builder: str
    fields: Mapping[str, Any]
    classes: int
    image_shape: tuple[int, int, int]
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    trained_on: str


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network; saved as one safetensors file, with the description in its header.

    Attributes:
        description: Description of the module and its images.
        weights: State dictionary of the module, on the CPU.
    """

    description: NetworkDescription
    weights: Mapping[str, Tensor]

    @classmethod
    def of(cls, description: NetworkDescription, network: nn.Module) -> TrainedNetwork:
        """Copy the weights of a module; later training of the module does not change the copy."""
        state = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
        return cls(description, state)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of description and weights, 16 hexadecimal characters."""
        digest = hashlib.sha256(canonical_json(asdict(self.description)).encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(self.weights[name].contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and header of the safetensors file."""
        return dict(self.weights), {"description": canonical_json(asdict(self.description))}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> TrainedNetwork:
        """Make a trained network from the tensors and the header of its file; the inverse of :meth:`to_tensors`.

        Raises:
            KeyError: If the header has no description.
            TypeError: If the description has other fields.
        """
        read = json.loads(header["description"])
        tuples = {name: tuple(read[name]) for name in ("image_shape", "pixel_mean", "pixel_std")}
        return cls(NetworkDescription(**{**read, **tuples}), dict(tensors))
