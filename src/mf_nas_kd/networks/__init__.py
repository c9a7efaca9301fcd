"""Networks: builders of modules with taps, their cost, and their weights.

A builder is called with the fields of a specification, with ``classes`` and with ``image_channels``; it returns a
module whose ``forward`` maps images ``(B, C, H, W)`` to :class:`mf_nas_kd.taps.Taps`. Each builder has its own file and
one line in a table: ``STUDENTS`` by the name of their space, ``TEACHERS`` by their own name. Residual networks are in
both: as students they belong to no search space and serve as references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import nn

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks.cost import network_cost
from mf_nas_kd.networks.initialisation import Uninitialised, torch_seeded
from mf_nas_kd.networks.mobilenet_v2 import MobileNetV2
from mf_nas_kd.networks.nas_bench_201 import NASBench201Network
from mf_nas_kd.networks.own_input import INPUT_FIELDS, OwnInputOptions, PixelStatistics, adapter_of, own_channels
from mf_nas_kd.networks.residual import ResidualNetwork, ResNet32x4
from mf_nas_kd.networks.shufflenet_v2 import ShuffleNetV2
from mf_nas_kd.networks.timm import TimmNetwork
from mf_nas_kd.networks.torchvision import TorchvisionNetwork
from mf_nas_kd.networks.trained import NetworkDescription, TrainedNetwork
from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.registry import Options, configured, lookup
from mf_nas_kd.spaces.nas_bench_201 import EDGES, cell_of_operations, operations_of_cell

STUDENTS: Mapping[str, Callable[..., nn.Module]] = {
    "mobilenet_v2": MobileNetV2,
    "nas_bench_201": NASBench201Network,
    "residual": ResidualNetwork,
    "shufflenet_v2": ShuffleNetV2,
}


class TeacherBuilder(Protocol):
    """A class of teachers: called with the fields of its ``Options``, with ``classes`` and with ``image_channels``.

    Attributes:
        Options: Model of the options.
    """

    @property
    def Options(self) -> type[Options]:  # noqa: N802 (it is a class)
        """The model of the options."""

    def __call__(self, *arguments: Any, **fields: Any) -> nn.Module:
        """Build a module, with fresh weights from torch's global generator."""


TEACHERS: Mapping[str, TeacherBuilder] = {
    "residual": ResidualNetwork,
    "resnet32x4": ResNet32x4,
    "timm": TimmNetwork,
    "torchvision": TorchvisionNetwork,
}

BUILDERS: Mapping[str, Callable[..., nn.Module]] = {**STUDENTS, **TEACHERS}


def build_network(architecture: Architecture, classes: int, image_channels: int, width: float = 1.0) -> nn.Module:
    """Build the module of an architecture, with initial weights from torch's global generator.

    Args:
        architecture: An architecture of one of the spaces, or a residual network.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
        width: Width multiplier: factor of all channels, above 0.

    Returns:
        A module from images ``(B, C, H, W)`` to :class:`mf_nas_kd.taps.Taps`.

    Raises:
        UnknownNameError: If no builder is known for the architecture's space.

    >>> from mf_nas_kd.records.architecture import Architecture
    >>> architecture = Architecture.of("shufflenet_v2", stem=8, stages=[[16, 1]], head=32)
    >>> network = build_network(architecture, classes=10, image_channels=1)
    >>> network(torch.zeros(2, 1, 8, 8)).logits.shape
    torch.Size([2, 10])
    >>> network_cost(network, (1, 8, 8)).params
    1594
    """
    builder = lookup(STUDENTS, architecture.space, "space of the architecture")
    return builder(**architecture.fields, classes=classes, image_channels=image_channels, width=width)


def teacher_fields(builder: str, options: Options | Mapping[str, Any]) -> dict[str, Any]:
    """The validated options of a teacher as plain values, as they are saved in its description.

    Args:
        builder: A name in ``TEACHERS``.
        options: An instance of the builder's ``Options``, or its fields.

    Raises:
        UnknownNameError: If the builder is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        MissingPackageError: If the package of the builder is not installed.
        InvalidValueError: If it does not have the model.

    >>> teacher_fields("residual", {"stem": 8, "stages": [8, 16], "blocks": 1})
    {'stem': 8, 'stages': [8, 16], 'blocks': 1}
    """
    _, validated = configured(TEACHERS, builder, options, "teacher.builder")
    return validated.resolved_fields() if isinstance(validated, OwnInputOptions) else validated.model_dump(mode="json")


def build_teacher(
    builder: str,
    options: Options | Mapping[str, Any],
    classes: int,
    image_shape: tuple[int, int, int],
    pixel_statistics: PixelStatistics | None = None,
) -> nn.Module:
    """Build a teacher's module, with fresh weights from torch's global generator.

    Args:
        builder: A name in ``TEACHERS``.
        options: An instance of the builder's ``Options``, or its fields.
        classes: ``K``.
        image_shape: ``(C, H, W)`` of one image.
        pixel_statistics: Mean and standard deviation of each channel with which the images are normalised; None for
            pixels in [0, 1]. For networks with a normalisation of their own.

    Raises:
        UnknownNameError: If the builder is not known.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
        MissingPackageError: If the package of the builder is not installed.
        InvalidValueError: If a library does not take the arguments, or the network the images.
    """
    fields, channels = teacher_fields(builder, options), image_shape[0]
    statistics = ((0.0,) * channels, (1.0,) * channels) if pixel_statistics is None else pixel_statistics
    network = _built(TEACHERS[builder], fields, classes, statistics)
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(2, *image_shape))
    except (RuntimeError, AssertionError, ValueError) as failure:  # torch's words when an image shrinks to nothing
        allowed = f"one that the teacher {builder!r} with {fields} can take: {failure}"
        raise InvalidValueError("image shape", image_shape, allowed) from failure
    return network.train()


def _built(
    builder: Callable[..., nn.Module], fields: Mapping[str, Any], classes: int, statistics: PixelStatistics
) -> nn.Module:
    """Build a module, with an input adapter where its fields ask for one."""
    own = {name: value for name, value in fields.items() if name not in INPUT_FIELDS}
    network = builder(**own, classes=classes, image_channels=own_channels(fields, len(statistics[0])))
    adapter = adapter_of(fields, statistics)
    if adapter is not None:
        network.prepare = adapter
    return network


class CostCounter:
    """Counts the cost of architectures for images of one shape; each architecture is counted once.

    Of the cells of NAS-Bench-201, only the five with equal operations on all edges are built: all edges of a cell have
    the same channels, so that an operation adds the same cost on every edge.

    Args:
        classes: Number of classes, ``K``.
        image_shape: Shape ``(C, H, W)`` of one image.
    """

    def __init__(self, classes: int, image_shape: tuple[int, int, int]) -> None:
        self._classes = classes
        self._image_shape = image_shape
        self._known: dict[tuple[Architecture, float, tuple[int, int, int]], Costs] = {}
        self._on_all_edges: dict[tuple[Any, ...], Costs] = {}

    def __call__(
        self, architecture: Architecture, width: float = 1.0, image_shape: tuple[int, int, int] | None = None
    ) -> Costs:
        """Cost of an architecture at a width; ``image_shape`` replaces that of the constructor where it is given."""
        key = architecture, width, image_shape or self._image_shape
        if key not in self._known:
            is_cell = architecture.space == "nas_bench_201"
            self._known[key] = self._sum_of_edges(*key) if is_cell else self._count(*key)
        return self._known[key]

    def _count(self, architecture: Architecture, width: float, image_shape: tuple[int, int, int]) -> Costs:
        with torch_seeded(0, "cost"), Uninitialised():  # weights are not used; global generators keep their state
            network = build_network(architecture, self._classes, self._image_shape[0], width)
        return network_cost(network, image_shape)

    def _sum_of_edges(self, architecture: Architecture, width: float, image_shape: tuple[int, int, int]) -> Costs:
        fields = architecture.fields
        operations = operations_of_cell(fields["cell"])
        skeleton = (fields["stem"], fields["cells_per_stage"], width, image_shape)

        def on_all_edges(operation: str) -> Costs:
            if (operation, *skeleton) not in self._on_all_edges:
                cell = cell_of_operations([operation] * len(EDGES))
                counted = self._count(Architecture.of(architecture.space, **fields | {"cell": cell}), *skeleton[2:])
                self._on_all_edges[operation, *skeleton] = counted
            return self._on_all_edges[operation, *skeleton]

        without = on_all_edges("none").to_row()
        rows = [on_all_edges(operation).to_row() for operation in operations]
        added = {name: sum(row[name] - cost for row in rows) // len(EDGES) for name, cost in without.items()}
        return Costs(**{name: cost + added[name] for name, cost in without.items()})


def rebuild(trained: TrainedNetwork) -> nn.Module:
    """Rebuild the module of a trained network, with its weights, in evaluation mode.

    Raises:
        UnknownNameError: If the builder of the network is not known.
        InvalidValueError: If fields and weights do not fit together.
    """
    description = trained.description
    builder = lookup(BUILDERS, description.builder, "builder of the saved network")
    try:
        with torch_seeded(0, "rebuild"):
            statistics = description.pixel_mean, description.pixel_std
            network = _built(builder, description.fields, description.classes, statistics)
        network.load_state_dict(dict(trained.weights))
    except (TypeError, RuntimeError) as failure:
        allowed = f"those of its weights: {failure}"
        raise InvalidValueError("fields of the saved network", dict(description.fields), allowed) from failure
    return network.eval()


__all__ = [
    "BUILDERS",
    "STUDENTS",
    "TEACHERS",
    "CostCounter",
    "NetworkDescription",
    "TrainedNetwork",
    "build_network",
    "build_teacher",
    "network_cost",
    "rebuild",
    "teacher_fields",
]
