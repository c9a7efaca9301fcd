"""A trained network as a value: its weights, and the description from which its module is rebuilt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError
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
        trained_on: Provenances of the weights, the first ones first: fingerprints of images and splits, names of
            published weights, and the empty text for what is unknown; see :mod:`mf_nas_kd.networks.provenance`.
    """

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)

    builder: str
    fields: Mapping[str, Any]
    classes: int
    image_shape: tuple[int, int, int]
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    trained_on: tuple[str, ...]

    def to_json(self) -> str:
        """Canonical JSON; one fingerprint is written as a text, as in the first version."""
        origins: str | list[str] = self.trained_on[0] if len(self.trained_on) == 1 else list(self.trained_on)
        return canonical_json(asdict(self) | {"trained_on": origins})

    @classmethod
    def from_json(cls, text: str) -> NetworkDescription:
        """The inverse of :meth:`to_json`.

        Raises:
            ValueError: If the text is no JSON, or the fields are others or have other values.
        """
        try:
            read = json.loads(text)
        except RecursionError as failure:
            raise ValueError("its description is nested too deeply") from failure
        if isinstance(read, dict) and isinstance(read.get("trained_on"), str):
            read["trained_on"] = [read["trained_on"]]
        return _DESCRIPTION.validate_python(read)


_DESCRIPTION = TypeAdapter(NetworkDescription)


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
        digest = hashlib.sha256(self.description.to_json().encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(self.weights[name].contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and header of the safetensors file."""
        return dict(self.weights), {"description": self.description.to_json()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> TrainedNetwork:
        """Make a trained network from the tensors and the header of its file; the inverse of :meth:`to_tensors`.

        Raises:
            KeyError: If the header has no description.
            ValueError: If the description has other fields, or a weight is not finite.
        """
        require_finite(tensors, "of the saved network")
        return cls(NetworkDescription.from_json(header["description"]), dict(tensors))


def require_finite(weights: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights of a training that diverged.

    Args:
        weights: Tensors by name.
        where: Whose they are, for the message.

    Raises:
        InvalidValueError: If a value is infinite or not-a-number; the message names the tensor.
    """
    for name, tensor in weights.items():
        wrong = tensor.numel() - int(tensor.isfinite().sum())
        if wrong:
            raise InvalidValueError(f"number of values of the layer {name!r} {where} that are not finite", wrong, "0")
