"""Loading of weights from a file into a network; no code in the file is executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError, MissingWeightsError, ShapeMismatchError
from mf_nas_kd.networks.trained import TrainedNetwork

WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training programs save the weights
PREFIXES = ("module.", "model.")  # prefixes that wrapping modules give to the names of layers
NAMED_LAYERS = 4  # most layers that a message names


def load_weights(network: nn.Module, path: Path, image_shape: tuple[int, int, int]) -> str:
    """Load a state dictionary (``.safetensors``, or a ``.pt`` file of tensors) or a network that this program saved.

    Args:
        network: The module whose weights are replaced.
        path: Path of the file.
        image_shape: Shape ``(C, H, W)`` of the images that the network will process.

    Returns:
        Fingerprint of the images on which the weights were trained, from the file; empty where the file has none.

    Raises:
        MissingWeightsError: If the file does not exist, or is not a file of tensors.
        InvalidValueError: If the network in the file was trained for images of another shape.
        ShapeMismatchError: If a layer is missing, unknown or of another shape; the message names it.
    """
    trained_on = ""
    if path.suffix == ".safetensors":
        weights, trained_on = _read_safetensors(path, image_shape)
    else:
        weights = _read_torch(path)
    fitted = _renamed(weights, network.state_dict())
    _require_fitting(fitted, network.state_dict(), path)
    network.load_state_dict(fitted, strict=False)
    return trained_on


def _read_safetensors(path: Path, image_shape: tuple[int, int, int]) -> tuple[Mapping[str, Tensor], str]:
    """Weights, and the fingerprint of the images on which they were trained (empty where it is not in the file)."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
            header = file.metadata() or {}
    except (OSError, SafetensorError) as failure:
        raise MissingWeightsError(f"no weights can be read from {str(path)!r}: {failure}") from failure
    try:
        description = TrainedNetwork.from_tensors(tensors, header).description
    except (KeyError, TypeError, ValueError):  # written by another program
        return tensors, ""
    if description.image_shape != image_shape:
        raise InvalidValueError(
            f"image shape of the network in {str(path)!r}", description.image_shape, f"{image_shape}"
        )
    return tensors, description.trained_on


def _read_torch(path: Path) -> Mapping[str, Tensor]:
    """Weights of a file that ``torch.save`` wrote."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, LookupError, RuntimeError, ValueError, pickle.UnpicklingError) as failure:
        reason = str(failure).splitlines()[-1] if str(failure) else type(failure).__name__
        raise MissingWeightsError(f"no weights can be read from {str(path)!r}: {reason}") from failure
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise MissingWeightsError(
            f"no weights can be read from {str(path)!r}: it does not hold tensors by name, "
            f"at the top level or under one of the keys: {', '.join(WRAPPERS)}"
        )
    return content


def _renamed(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names that the network uses; prefixes of wrapping modules are ignored on both sides."""

    def bare(name: str) -> str:
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        return name

    names = {bare(name): name for name in expected}
    return {names.get(bare(name), name): tensor for name, tensor in weights.items()}


def _require_fitting(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights whose names or shapes are not those of the network."""
    # Counters of batches are missing in files of old programs, and nothing here depends on them.
    missing = [name for name in expected if name not in weights and not name.endswith("num_batches_tracked")]
    unknown = [name for name in weights if name not in expected]
    for what, names in (
        (f"layers of the network that {str(path)!r} lacks", missing),
        (f"layers in {str(path)!r} that the network lacks", unknown),
    ):
        if names:
            named = [*names[:NAMED_LAYERS], *(["..."] if len(names) > NAMED_LAYERS else [])]
            raise ShapeMismatchError(f"list of the {len(names)} {what}", named, "empty")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            allowed = f"{tuple(expected[name].shape)}, as in the network for these images and classes"
            raise ShapeMismatchError(f"shape of the layer {name!r} in {str(path)!r}", tuple(tensor.shape), allowed)
