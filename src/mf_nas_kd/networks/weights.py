"""Loading of weights from a file into a network; no code in the file is executed."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError, MissingWeightsError, ShapeMismatchError
from mf_nas_kd.files import require_file
from mf_nas_kd.networks.provenance import UNKNOWN_ORIGIN
from mf_nas_kd.networks.tensor_file import read_tensors
from mf_nas_kd.networks.trained import NetworkDescription, require_finite
from mf_nas_kd.pickles import require_bounded

logger = logging.getLogger(__name__)

WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training programs save the weights
PREFIXES = ("module.", "model.")  # prefixes that wrapping modules give to the names of layers
NAMED_LAYERS = 4  # most layers that a message names
LARGEST_PICKLE_BYTES = 16 * 2**20  # of names and shapes; those of a network with 1,000 tensors take about 0.1 MB

UNKNOWN: tuple[str, ...] = (UNKNOWN_ORIGIN,)
"""What is known of the images of weights that another program saved."""

ALLOWED_GLOBALS = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",  # of schedulers, whose states training programs save beside the weights
        "torch.Size",
        "torch.device",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch.storage.UntypedStorage",
        *(f"torch.{kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Bool")),
        *(f"torch.{kind}Storage" for kind in ("Long", "Int", "Short", "Char", "Byte")),
        *(str(value) for value in vars(torch).values() if isinstance(value, torch.dtype)),
    }
)
"""What a ``.pt`` file may refer to: dense tensors and what holds them, nothing that allocates or computes."""


def load_weights(
    network: nn.Module, path: Path, image_shape: tuple[int, int, int], classifier: str | None = None
) -> tuple[str, ...]:
    """Load a state dictionary (``.safetensors``, or a ``.pt`` file of tensors) or a network that this program saved.

    Args:
        network: The module whose weights are replaced.
        path: Path of the file.
        image_shape: Shape ``(C, H, W)`` of the images that the network will process.
        classifier: Name of the last layer, which keeps the weights it has where the file's are for another number of
            classes; None to refuse such a file.

    Returns:
        Fingerprints of the images on which the weights were trained, from the file; ``UNKNOWN`` if it has none.

    Raises:
        MissingWeightsError: If the file does not exist, is not a file of tensors, or is far too large for the network.
        InvalidValueError: If the network in the file was trained for images of another shape, or a weight is not
            finite; the message names the layer.
        ShapeMismatchError: If a layer is missing, unknown or of another shape; the message names it.
    """
    expected, trained_on = network.state_dict(), UNKNOWN
    weights: Mapping[str, Tensor]
    # A checkpoint may hold the weights in twice the precision, and the two averages of an optimiser.
    largest_bytes = LARGEST_PICKLE_BYTES + 16 * sum(tensor.nbytes for tensor in expected.values())
    try:
        require_file(path, largest_bytes)
        if path.suffix == ".safetensors":
            weights, header = read_tensors(path, largest_bytes)
            trained_on = _trained_on(header, path, image_shape)
        else:
            weights = _read_torch(path)
    except InvalidValueError:
        raise
    except Exception as failure:  # a damaged file can raise errors of nearly any kind
        reason = str(failure).splitlines()[-1] if str(failure) else type(failure).__name__
        raise MissingWeightsError(f"no weights can be read from {str(path)!r}: {reason}") from failure
    fitted = _renamed(weights, expected)
    if classifier is not None:
        fitted = _with_new_classifier(fitted, expected, classifier, path)
    _require_fitting(fitted, expected, path)
    converted = {name: tensor.to(expected[name].dtype) for name, tensor in fitted.items()}
    require_finite(converted, f"in {str(path)!r}")
    network.load_state_dict(converted, strict=False)
    return trained_on


def _trained_on(header: Mapping[str, str], path: Path, image_shape: tuple[int, int, int]) -> tuple[str, ...]:
    """Fingerprints of the images on which the weights were trained, from the description in the header."""
    try:
        description = NetworkDescription.from_json(header["description"])
    except (KeyError, ValueError):  # written by another program
        return UNKNOWN
    if description.image_shape != image_shape:
        raise InvalidValueError(
            f"image shape of the network in {str(path)!r}", description.image_shape, f"{image_shape}"
        )
    return description.trained_on


def _read_torch(path: Path) -> Mapping[str, Tensor]:
    """Weights of a file that ``torch.save`` wrote."""
    _require_bounded(path)
    content = torch.load(path, map_location="cpu", weights_only=True)
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(_is_weight(name, value) for name, value in content.items()):
        raise ValueError(
            "it does not hold dense tensors of real numbers by name, "
            f"at the top level or under one of the keys: {', '.join(WRAPPERS)}"
        )
    return content


def _is_weight(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, Tensor):
        return False
    return value.layout == torch.strided and value.device.type == "cpu" and not value.is_complex()


def _require_bounded(path: Path) -> None:
    """Refuse a file from which torch would allocate more than its size, or whose pickles are not bounded."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            for _ in range(5):  # before version 1.6: magic number, version, system, weights, keys of the storages
                require_bounded(file, size, ALLOWED_GLOBALS)
        return
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > size or len({part.filename for part in parts}) < len(parts):
            raise ValueError("it is an archive whose parts are compressed, overlap or repeat a name")
        for part in parts:
            if part.filename.endswith(".pkl"):
                if part.file_size > LARGEST_PICKLE_BYTES:
                    raise ValueError(f"its part {part.filename!r} has more than {LARGEST_PICKLE_BYTES:,} bytes")
                require_bounded(io.BytesIO(archive.read(part)), size, ALLOWED_GLOBALS)


def _renamed(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names that the network uses; prefixes of wrapping modules are ignored on both sides."""

    def bare(name: str) -> str:
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        return name

    names = {bare(name): name for name in expected}
    return {names.get(bare(name), name): tensor for name, tensor in weights.items()}


def _with_new_classifier(
    weights: dict[str, Tensor], expected: Mapping[str, Tensor], classifier: str, path: Path
) -> dict[str, Tensor]:
    """Weights with the network's own last layer, where the file's differs from it in the number of outputs only."""
    own = {name: tensor for name, tensor in expected.items() if name in (f"{classifier}.weight", f"{classifier}.bias")}
    given = {name: weights[name].shape for name in own if name in weights}
    differ = all(shape != own[name].shape and shape[1:] == own[name].shape[1:] for name, shape in given.items())
    if not (given.keys() == own.keys() and differ):
        return weights
    logger.info(
        "Weights in %s are for %d classes: the layer %r is new", path, next(iter(given.values()))[0], classifier
    )
    return weights | own


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
