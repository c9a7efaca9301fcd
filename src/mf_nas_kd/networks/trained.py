"""A trained network as a value: a description from which it is built again, and its weights."""

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
    """All that is needed to build a network again and to feed it.

    Attributes:
        builder: A name in ``networks.BUILDERS``.
        fields: What the builder is called with.
        classes: ``K``.
        image_shape: ``(C, H, W)`` of one image.
        pixel_mean: Mean of each channel that was subtracted, of pixels in [0, 1].
        pixel_std: Standard deviation of each channel that was divided by.
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
    """Description and weights; saved as one safetensors file, the description in its header.

    Attributes:
        description: See :class:`NetworkDescription`.
        weights: The state of the module, on the CPU.
    """

    description: NetworkDescription
    weights: Mapping[str, Tensor]

    @classmethod
    def of(cls, description: NetworkDescription, network: nn.Module) -> TrainedNetwork:
        """Take the weights out of a module; later training of the module leaves the value alone."""
        state = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
        return cls(description, state)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal characters that differ as soon as one weight or one field does."""
        digest = hashlib.sha256(canonical_json(asdict(self.description)).encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(self.weights[name].contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and header of a safetensors file."""
        return dict(self.weights), {"description": canonical_json(asdict(self.description))}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> TrainedNetwork:
        """The inverse of :meth:`to_tensors`."""
        read = json.loads(header["description"])
        tuples = {name: tuple(read[name]) for name in ("image_shape", "pixel_mean", "pixel_std")}
        return cls(NetworkDescription(**{**read, **tuples}), dict(tensors))
