"""The search problem: candidates, and the fidelities at which they can be evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.search.front_objective import ACCURACY_OBJECTIVE, FRONT_OBJECTIVE, FrontObjective, Objective
from mf_nas_kd.statistics.conditioning import normal_scores
from mf_nas_kd.surrogates import Inputs


@dataclass(frozen=True)
class Candidate:
    """An architecture that may be proposed, with what is known of it without training.

    Attributes:
        architecture: The value itself.
        features: ``(p,)``, from the space's ``encode``; input of the surrogate models.
        costs: Costs of the network at full width.
        proxies: Further zero-cost proxies by their names; minus infinity where no signal passes.
    """

    architecture: Architecture
    features: tuple[float, ...]
    costs: Costs
    proxies: Mapping[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Stable name of the architecture."""
        return self.architecture.id

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return self.costs.macs


@dataclass(frozen=True)
class SearchProblem:
    """Candidates within the user's limits, and the fidelities at which they can be evaluated.

    Attributes:
        candidates: At least one, all different.
        full: The fidelity whose score is to be maximised.
        low: The low fidelities; without any, only high-fidelity evaluations can be proposed.
        proposals_at_a_time: How many proposals a strategy may make before it sees their results.
        neighbours: The architectures of the space that differ in one choice, candidates or not.
        metric: The metric whose value for the validation images is an evaluation's score.
        continuation: Whether a training can continue another one of the same candidate with fewer epochs.
        proxies: Names of the candidates' further proxies that models see beside MACs and parameters. They are to be
            those that are shown to add to these two.
        objective: The front of score and cost that is to be found; None to find the candidate with the best score.

    Raises:
        InvalidValueError: If there is no candidate, one is there twice, ``full`` is among ``low``, a candidate lacks
            one of the proxies, or its cost that the objective needs is not known.
    """

    candidates: tuple[Candidate, ...]
    full: Fidelity
    low: tuple[Fidelity, ...]
    proposals_at_a_time: int
    neighbours: Callable[[Architecture], tuple[Architecture, ...]]
    metric: Metric
    continuation: bool = False
    proxies: tuple[str, ...] = ()
    objective: FrontObjective | None = None

    def __post_init__(self) -> None:
        if len({candidate.id for candidate in self.candidates}) != len(self.candidates) or not self.candidates:
            raise InvalidValueError("number of candidates", len(self.candidates), "at least 1, all different")
        if self.full in self.low:
            raise InvalidValueError("low fidelity", str(self.full), "another one than the target fidelity, which it is")
        for name in self.proxies:
            if lacking := [candidate.id for candidate in self.candidates if name not in candidate.proxies]:
                raise InvalidValueError(f"candidates without the proxy {name}", ", ".join(lacking), "none")
        if self.objective is not None:
            self.objective.require(candidate.id for candidate in self.candidates)

    @property
    def objective_name(self) -> Objective:
        """Name of the objective in the configuration."""
        return ACCURACY_OBJECTIVE if self.objective is None else FRONT_OBJECTIVE

    @cached_property
    def by_id(self) -> dict[str, Candidate]:
        """Candidates by their stable names."""
        return {candidate.id: candidate for candidate in self.candidates}

    @cached_property
    def index(self) -> dict[str, int]:
        """Indices of the candidates by their stable names."""
        return {candidate.id: index for index, candidate in enumerate(self.candidates)}

    @cached_property
    def inputs(self) -> Inputs:
        """Inputs of the surrogate models for all candidates, at the target fidelity.

        Features, and the zero-cost proxies log MACs and log parameters, are standardised over the candidates; columns
        that do not vary are zero. Further proxies, whose scales are arbitrary, are replaced by their normal scores.
        """
        counted = [(math.log(candidate.macs), math.log(candidate.costs.params)) for candidate in self.candidates]
        further = [[candidate.proxies[name] for name in self.proxies] for candidate in self.candidates]
        proxies = np.concatenate([np.array(counted), normal_scores(np.array(further, dtype=float))], axis=1)
        indices = np.arange(len(self.candidates))
        features = standardise(np.array([candidate.features for candidate in self.candidates], dtype=float))
        return Inputs(features, standardise(proxies), indices, np.zeros_like(indices))

    @cached_property
    def fidelities(self) -> tuple[Fidelity, ...]:
        """The target fidelity, then the low ones; surrogate models identify them by their index in this tuple."""
        return (self.full, *self.low)


def standardise(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns shifted and scaled to mean 0 and standard deviation 1; columns that do not vary become zero.

    Args:
        table: ``(n, p)``, one row a candidate.

    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    spread = table.std(axis=0)
    centred = table - table.mean(axis=0)
    scaled: NDArray[np.float64] = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
    return scaled
