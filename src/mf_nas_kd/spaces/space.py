"""The protocol of a search space, and the base class of its choices."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.registry import Options


class SpaceChoices(Options):
    """Base of the options of a space: choices from which its architectures are combined."""

    @classmethod
    @abstractmethod
    def enclosing(cls, architectures: Sequence[Mapping[str, Any]]) -> Self:
        """The smallest choices whose space contains the given architectures.

        Args:
            architectures: Fields of each architecture, at least one.

        Raises:
            InvalidValueError: If no space contains all of them, because they differ in a field without choices.
        """


class SearchSpace(Protocol):
    """A set of architectures with a neighbourhood relation.

    Obligations: a space is constructed from an instance of its ``Options`` and never changes. All methods are pure.
    Neighbourhood is symmetric and connects the whole space. An architecture without a neighbour that has both fewer
    multiply-accumulates and fewer parameters has the fewest of both in the whole space; on a grid of channels and
    depths this is one architecture, with operations that have no parameters there are several.

    Attributes:
        name: Name of the space, one in ``spaces.SPACES``.

    >>> from mf_nas_kd.spaces import build_space
    >>> stage = {"channels": [16, 32], "blocks": [1, 2]}
    >>> space = build_space("shufflenet_v2", {"stem": [8], "stem_stride": 1, "stages": [stage], "head": [64]})
    >>> space.sample(np.random.default_rng(0)).fields
    {'head': 64, 'stages': [[32, 2]], 'stem': 8}
    """

    name: str
    Options: ClassVar[type[SpaceChoices]]

    def __init__(self, choices: Any) -> None: ...

    @property
    def size(self) -> int:
        """Number of architectures."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture: every choice independently and uniformly."""
        ...

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """The architectures that differ in one choice; where choices are ordered, by one step.

        Raises:
            InvalidValueError: If the architecture does not belong to the space.
        """
        ...

    def encode(self, architecture: Architecture) -> tuple[float, ...]:
        """Features of an architecture for a surrogate model: logarithms of channels and counts, one-hot operations.

        All architectures of a space have the same number of features. Equal features are allowed only for architectures
        that compute the same function up to learned constants, such as the bias of a normalisation whose convolution
        has only zeros as input.

        Raises:
            InvalidValueError: If the architecture does not belong to the space.
        """
        ...
