"""The protocol of a search space."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mf_nas_kd.spaces.architecture import Architecture


class SearchSpace(Protocol):
    """A set of architectures.

    Obligations: a space is constructed from its model of choices and never changes; all methods are pure;
    neighbourhood is symmetric and connects the whole space, and one architecture is the smallest: every other one has
    a neighbour that is nowhere wider or deeper.
    """

    name: str

    def __init__(self, choices: Any) -> None: ...

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
        """Features for a model, of the same length for all: logarithms of widths and counts.

        Raises:
            InvalidValueError: If the architecture does not belong to the space.
        """
        ...
