"""The space of NAS-Bench-201: cells with one operation on each of six edges between four nodes.

Nodes are counted from 0, the input of the cell, to 3, its output; there is an edge from every node to every later one.

References:
    Dong and Yang (2020). NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search. ICLR,
    section 2.1 and figure 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.architecture import Architecture, common_value
from mf_nas_kd.records.costs import Costs
from mf_nas_kd.spaces.space import SpaceChoices

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

EDGES = tuple((source, target) for target in (1, 2, 3) for source in range(target))
"""Source and target of each edge, in the order of the cell's string."""

PATHS = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))
"""The edges of each path from the cell's input to its output."""


def cell_of_operations(operations: Sequence[str]) -> str:
    """Write a cell as the string of the benchmark, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``.

    Each part between two ``+`` belongs to one node and lists its incoming edges as ``operation~source``.

    Args:
        operations: One name in ``OPERATIONS`` for each of ``EDGES``.

    Raises:
        InvalidValueError: If there are not six operations, or one is not known.

    >>> cell_of_operations(["nor_conv_3x3", "none", "skip_connect", "none", "none", "nor_conv_1x1"])
    '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|'
    """
    if not _are_operations(operations):
        raise InvalidValueError("operations of a cell", list(operations), f"{len(EDGES)} of: {', '.join(OPERATIONS)}")
    incoming: dict[int, list[str]] = {}
    for operation, (source, target) in zip(operations, EDGES, strict=True):
        incoming.setdefault(target, []).append(f"{operation}~{source}")
    return "+".join(f"|{'|'.join(edges)}|" for edges in incoming.values())


def operations_of_cell(cell: str) -> tuple[str, ...]:
    """Read the operation of each of ``EDGES`` from a cell's string; the inverse of :func:`cell_of_operations`.

    Raises:
        InvalidValueError: If the string is not exactly that of a cell.

    >>> operations_of_cell("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    ('none', 'none', 'none', 'skip_connect', 'none', 'none')
    """
    operations = tuple(edge.partition("~")[0] for edge in cell.split("|") if edge not in ("", "+"))
    if not _are_operations(operations) or cell_of_operations(operations) != cell:
        allowed = f"|op~0|+|op~0|op~1|+|op~0|op~1|op~2| with each op one of: {', '.join(OPERATIONS)}"
        raise InvalidValueError("cell", cell, allowed)
    return operations


def live_edges(operations: Sequence[str]) -> frozenset[tuple[int, int]]:
    """The edges that lie on a path from the cell's input to its output without the operation ``none``.

    >>> sorted(live_edges(["nor_conv_3x3", "none", "none", "none", "nor_conv_1x1", "none"]))
    [(0, 1), (1, 3)]
    """
    on_edge = dict(zip(EDGES, operations, strict=True))
    return frozenset(edge for path in PATHS if all(on_edge[each] != "none" for each in path) for edge in path)


def without_dead_edges(architecture: Architecture) -> Architecture | None:
    """The architecture whose edges on no path from input to output have the operation ``none``: it computes the same.

    Returns:
        None for an architecture of another space.
    """
    if architecture.space != NASBench201Space.name:
        return None
    operations = operations_of_cell(architecture.fields["cell"])
    live = live_edges(operations)
    kept = [operation if edge in live else "none" for edge, operation in zip(EDGES, operations, strict=True)]
    return Architecture.of(architecture.space, **architecture.fields | {"cell": cell_of_operations(kept)})


def live_params(architecture: Architecture, costs: Costs) -> float | None:
    """Parameters of a network without those on edges that no path from input to output uses: a zero-cost proxy.

    A convolution with a kernel of ``k x k`` on ``C`` channels has ``C^2 k^2`` weights, its normalisation ``2 C``; the
    three stages have ``C``, ``2 C`` and ``4 C`` channels, of the stem's ``C``.

    Args:
        architecture: An architecture.
        costs: Its costs at full width.

    Returns:
        None for an architecture of another space.
    """
    if architecture.space != NASBench201Space.name:
        return None
    fields = architecture.fields
    operations = operations_of_cell(fields["cell"])
    live = live_edges(operations)
    dead = [_KERNELS.get(operation, 0) for edge, operation in zip(EDGES, operations, strict=True) if edge not in live]
    channels = [factor * fields["stem"] for factor in (1, 2, 4)]
    unused = sum(c**2 * kernel**2 + 2 * c for c in channels for kernel in dead if kernel)
    return float(costs.params - fields["cells_per_stage"] * unused)


_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def _are_operations(operations: Sequence[str]) -> bool:
    """Whether there is one known operation for each edge."""
    return len(operations) == len(EDGES) and set(operations) <= set(OPERATIONS)


def _in_standard_order(operations: tuple[str, ...]) -> tuple[str, ...]:
    """The operations themselves; refused unless they have the order of ``OPERATIONS`` without repetition."""
    if operations != tuple(name for name in OPERATIONS if name in operations):
        allowed = f"without repetition and in this order: {', '.join(OPERATIONS)}"
        raise InvalidValueError("list of operations", list(operations), allowed)
    return operations


class NASBench201Choices(SpaceChoices):
    """Choices of the operations of a cell, and the fixed sizes of the networks.

    Attributes:
        stem: Channels of the first convolution and of the first stage; 16 in the benchmark.
        cells_per_stage: Copies of the cell in each of the three stages; 5 in the benchmark.
        operations: Choices of the operation of an edge, a subset of ``OPERATIONS`` in their order.
    """

    stem: PositiveInt
    cells_per_stage: PositiveInt
    operations: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_in_standard_order)]

    @classmethod
    def enclosing(cls, architectures: Sequence[Mapping[str, Any]]) -> Self:
        found = {operation for fields in architectures for operation in operations_of_cell(fields["cell"])}
        return cls(
            stem=common_value("stem", (fields["stem"] for fields in architectures)),
            cells_per_stage=common_value("cells_per_stage", (fields["cells_per_stage"] for fields in architectures)),
            operations=tuple(name for name in OPERATIONS if name in found),
        )


class NASBench201Space:
    """All cells with the given operations, in networks of fixed size. The five operations give 15,625 cells.

    Neighbours differ in the operation of one edge; the operations have no order. The lowest cost is that of every cell
    whose edges have the cheapest operation. Three of the five, ``none``, ``skip_connect`` and ``avg_pool_3x3``, have
    neither multiply-accumulates nor parameters.

    Args:
        choices: Choices of the networks.

    >>> choices = NASBench201Choices(stem=16, cells_per_stage=5, operations=OPERATIONS)
    >>> NASBench201Space(choices).size
    15625
    """

    name = "nas_bench_201"
    Options: ClassVar[type[SpaceChoices]] = NASBench201Choices

    def __init__(self, choices: NASBench201Choices) -> None:
        self._choices = choices

    @property
    def size(self) -> int:
        return int(len(self._choices.operations) ** len(EDGES))

    def sample(self, rng: np.random.Generator) -> Architecture:
        choices = self._choices.operations
        return self._architecture([choices[index] for index in rng.integers(len(choices), size=len(EDGES))])

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        operations = self._operations(architecture)
        return tuple(
            self._architecture([*operations[:edge], other, *operations[edge + 1 :]])
            for edge, operation in enumerate(operations)
            for other in self._choices.operations
            if other != operation
        )

    def encode(self, architecture: Architecture) -> tuple[float, ...]:
        """Encode a cell by the one-hot operations of its live edges and by counts over its live paths.

        A path leads from the cell's input to its output. A path without the operation ``none`` is live, and so are its
        edges; the operations on other edges add at most a learned constant to the output. The counts are: live paths;
        the largest number of 3x3 convolutions, and of convolutions, on a live path; live edges with each operation
        other than ``none``; whether a live path consists of skip connections only; 3x3 convolutions summed over the
        live paths; live paths with pooling.

        References:
            White et al. (2020). A Study on Encodings for Neural Architecture Search. NeurIPS: path-based encodings
            serve surrogate models better than edge-based ones.
        """
        on_edge = dict(zip(EDGES, self._operations(architecture), strict=True))
        paths = [[on_edge[edge] for edge in path] for path in PATHS]
        paths = [path for path in paths if "none" not in path]
        live = live_edges(self._operations(architecture))
        edges = [on_edge[edge] if edge in live else "none" for edge in EDGES]
        one_hot = [operation == other for operation in edges for other in OPERATIONS]
        counts = [
            len(paths),
            max((path.count("nor_conv_3x3") for path in paths), default=0),
            max((path.count("nor_conv_3x3") + path.count("nor_conv_1x1") for path in paths), default=0),
            *(edges.count(operation) for operation in OPERATIONS[1:]),
            any(set(path) == {"skip_connect"} for path in paths),
            sum(path.count("nor_conv_3x3") for path in paths),
            sum("avg_pool_3x3" in path for path in paths),
        ]
        return tuple(float(value) for value in (*one_hot, *counts))

    def _architecture(self, operations: Sequence[str]) -> Architecture:
        return Architecture.of(
            self.name,
            cell=cell_of_operations(operations),
            stem=self._choices.stem,
            cells_per_stage=self._choices.cells_per_stage,
        )

    def _operations(self, architecture: Architecture) -> tuple[str, ...]:
        """Operations of an architecture; one of another space is refused."""
        if architecture.space == self.name:
            operations = operations_of_cell(architecture.fields["cell"])
            if set(operations) <= set(self._choices.operations) and self._architecture(operations) == architecture:
                return operations
        raise InvalidValueError("architecture", (architecture.space, architecture.specification), "one of the space")
