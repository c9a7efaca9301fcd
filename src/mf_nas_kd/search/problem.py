"""What is searched."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.surrogates import Inputs


@dataclass(frozen=True)
class Candidate:
    """An architecture that may be proposed, with what is known of it for free.

    Attributes:
        architecture: The value itself.
        features: What a model sees, from the space's ``encode``.
        macs: Multiply-accumulates of one image.
        params: Learned numbers.
    """

    architecture: Architecture
    features: tuple[float, ...]
    macs: int
    params: int

    @property
    def id(self) -> str:
        """The architecture's stable name."""
        return self.architecture.id


@dataclass(frozen=True)
class SearchProblem:
    """Candidates within the user's limits, and the fidelities at which they can be evaluated.

    Attributes:
        candidates: At least one, all different.
        full: The fidelity whose validation accuracy is to be maximised.
        low: The cheap ones; without any, only full trainings can be proposed.
        proposals_at_a_time: How many proposals a strategy may make before it sees their results.
        neighbours: The architectures of the space that differ in one choice, candidates or not.
    """

    candidates: tuple[Candidate, ...]
    full: Fidelity
    low: tuple[Fidelity, ...]
    proposals_at_a_time: int
    neighbours: Callable[[Architecture], tuple[Architecture, ...]]

    def __post_init__(self) -> None:
        if len({candidate.id for candidate in self.candidates}) != len(self.candidates) or not self.candidates:
            raise InvalidValueError("number of candidates", len(self.candidates), "at least 1, all different")
        if self.full in self.low:
            raise InvalidValueError("low fidelity", str(self.full), "another one than full training, which it is")

    @cached_property
    def by_id(self) -> dict[str, Candidate]:
        """Candidates by their stable names."""
        return {candidate.id: candidate for candidate in self.candidates}

    @cached_property
    def place(self) -> dict[str, int]:
        """Positions of the candidates by their stable names."""
        return {candidate.id: place for place, candidate in enumerate(self.candidates)}

    @cached_property
    def inputs(self) -> Inputs:
        """What a model sees of all candidates, at full fidelity.

        Features, and logarithms of operations and parameters as free predictors, are standardised over the candidates;
        what does not vary is zero.
        """
        free = [(math.log(candidate.macs), math.log(candidate.params)) for candidate in self.candidates]
        places = np.arange(len(self.candidates))
        features = standardise(np.array([candidate.features for candidate in self.candidates], dtype=float))
        return Inputs(features, standardise(np.array(free)), places, np.zeros_like(places))

    @cached_property
    def fidelities(self) -> tuple[Fidelity, ...]:
        """Full fidelity and then the low ones; their positions are the numbers that models know them by."""
        return (self.full, *self.low)


def standardise(table: NDArray[np.floating]) -> NDArray[np.floating]:
    """Columns with mean 0 and standard deviation 1; those that do not vary are zero. One row a candidate."""
    spread = table.std(axis=0)
    centred = table - table.mean(axis=0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
