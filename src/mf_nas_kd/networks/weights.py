"""Weights from a file into a network, layer by layer, with nothing executed that the file contains."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError, MissingWeightsError, ShapeMismatchError
from mf_nas_kd.networks.trained import TrainedNetwork

WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training programs keep the weights
PREFIXES = ("module.", "model.")  # what wrappers of networks put before the names of layers
NAMED_LAYERS = 4


def load_weights(network: nn.Module, path: Path, image_shape: tuple[int, int, int]) -> str:
    """Load a state dictionary (``.safetensors``, or a ``.pt`` file of tensors) or a network that this program saved.

    Args:
        network: Gets the weights.
        path: Where they are.
        image_shape: ``(C, H, W)`` of the images that the network is to see.

    Returns:
        Fingerprint of the images that the file says it was trained on; empty where it says nothing.

    Raises:
        MissingWeightsError: If the file is not there, or is not a file of tensors.
        InvalidValueError: If the file says that its network was trained for images of another shape.
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
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
            header = file.metadata() or {}
    except (OSError, SafetensorError) as failure:
        raise MissingWeightsError(f"no weights can be read from {str(path)!r}: {failure}") from failure
    try:
        description = TrainedNetwork.from_tensors(tensors, header).description
    except (KeyError, TypeError, ValueError):  # not a file of this program
        return tensors, ""
    if description.image_shape != image_shape:
        raise InvalidValueError(
            f"image shape of the network in {str(path)!r}", description.image_shape, f"{image_shape}"
        )
    return tensors, description.trained_on


def _read_torch(path: Path) -> Mapping[str, Tensor]:
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
            f"no weights can be read from {str(path)!r}: it holds something else than tensors "
            f"by name, at once or under one of: {', '.join(WRAPPERS)}"
        )
    return content


def _renamed(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as the network has them: prefixes of wrappers on either side do not matter."""

    def bare(name: str) -> str:
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        return name

    names = {bare(name): name for name in wanted}
    return {names.get(bare(name), name): tensor for name, tensor in weights.items()}


def _require_fitting(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    # Counters of batches: files of old programs lack them, and nothing depends on them here.
    lacking = [name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")]
    unknown = [name for name in weights if name not in wanted]
    for what, names in (
        (f"layers of the network that {str(path)!r} lacks", lacking),
        (f"layers in {str(path)!r} that the network lacks", unknown),
    ):
        if names:
            named = [*names[:NAMED_LAYERS], *(["..."] if len(names) > NAMED_LAYERS else [])]
            raise ShapeMismatchError(f"list of the {len(names)} {what}", named, "empty")
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            allowed = f"{tuple(wanted[name].shape)}, as in the network for these images and classes"
            raise ShapeMismatchError(f"shape of the layer {name!r} in {str(path)!r}", tuple(tensor.shape), allowed)
