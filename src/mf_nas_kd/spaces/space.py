"""The protocol of a search space, and what its choices have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.registry import Options


class SpaceChoices(Options):
    """Base of the options of a space: what may vary in its architectures."""

    @classmethod
    @abstractmethod
    def enclosing(cls, architectures: Sequence[Mapping[str, Any]]) -> Self:
        """The fewest choices that give all of some architectures.

        Args:
            architectures: The fields of each, at least one.

        Raises:
            InvalidValueError: If no choices give all of them, because they differ in what does not vary in a space.
        """


class SearchSpace(Protocol):
    """A set of architectures.

    Obligations: a space is constructed from an instance of its ``Options`` and never changes; all methods are pure;
    neighbourhood is symmetric and connects the whole space, and going down ends at the bottom: an architecture without
    a neighbour that needs fewer multiply-accumulates and parameters has the fewest of both in the space. On a grid of
    widths and depths that is one architecture; where operations without parameters can be chosen, there are several.
    """

    name: str
    Options: ClassVar[type[SpaceChoices]]

    def __init__(self, choices: Any) -> None: ...

    @property
    def size(self) -> int:
        """Number of architectures."""
        ...

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture, every choice independently and uniformly."""
        ...

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """The architectures that differ in one choice, by one step where the choices are ordered.

        Raises:
            InvalidValueError: If the architecture does not belong to the space.
        """
        ...

    def encode(self, architecture: Architecture) -> tuple[float, ...]:
        """Features for a model, of the same length for all: logarithms of widths and counts, one-hot operations.

        Equal only where architectures compute the same but for learned constants: a convolution that sees nothing but
        zeros, whose normalisation adds a bias nevertheless, may be left out.

        Raises:
            InvalidValueError: If the architecture does not belong to the space.
        """
        ...
