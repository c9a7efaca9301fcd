"""What is searched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.evaluation.fidelity import Fidelity
from mf_nas_kd.spaces.architecture import Architecture


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
    """

    candidates: tuple[Candidate, ...]
    full: Fidelity
    low: tuple[Fidelity, ...]
    proposals_at_a_time: int

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
    def features(self) -> dict[str, NDArray[np.floating]]:
        """Features by candidate, standardised over all of them; what does not vary is zero."""
        table = np.array([candidate.features for candidate in self.candidates])
        spread = table.std(axis=0)
        standardised = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)
        return {candidate.id: row for candidate, row in zip(self.candidates, standardised, strict=True)}
