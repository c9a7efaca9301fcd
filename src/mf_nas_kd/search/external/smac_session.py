"""SMAC3 over a list of candidates. The only file that imports it; it is imported when it is needed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace, UniformIntegerHyperparameter
from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, Scenario
from smac.acquisition.maximizer.abstract_acquisition_maximizer import AbstractAcquisitionMaximizer
from smac.initial_design.abstract_initial_design import AbstractInitialDesign
from smac.main.exceptions import ConfigurationSpaceExhaustedException
from smac.runhistory import StatusType, TrialInfo, TrialValue

from mf_nas_kd.search.external.ask_tell import Pair
from mf_nas_kd.search.external.optuna_tpe import Axis

ENDLESS = 10**9  # trials; the search has a budget of its own
RANDOM_START = 10  # configurations per choice, and at most a quarter of the trials, are SMAC's; here of the candidates
BELOW = 1 - 1e-9  # factor of the smallest budget: logarithms of budgets have rounding errors


class Candidates(ConfigurationSpace):
    """The choices of the architectures, of which only those of the candidates are ever sampled.

    Args:
        axes: The choices.
        seed: Seed of the samples.
    """

    def __init__(self, axes: Sequence[Axis], seed: int) -> None:
        super().__init__(seed=seed)
        self.add([_parameter(str(number), axis) for number, axis in enumerate(axes)])
        self._generator = np.random.default_rng(seed)
        self.every = [
            Configuration(self, values={str(number): int(axis.indices[index]) for number, axis in enumerate(axes)})
            for index in range(len(axes[0].indices))
        ]

    def sample_configuration(self, size: int | None = None) -> Any:
        drawn = [self.every[int(index)] for index in self._generator.integers(len(self.every), size=size or 1)]
        return drawn[0] if size is None else drawn


class OverCandidates(AbstractAcquisitionMaximizer):
    """All candidates that were not evaluated, by falling value of the acquisition function."""

    def _maximize(self, previous_configs: list[Configuration], n_points: int) -> list[tuple[float, Configuration]]:
        seen = set(previous_configs)
        left = [each for each in self._configspace.every if each not in seen]
        if not left or self._acquisition_function is None:
            return []
        values = self._acquisition_function(left).ravel()
        order = np.lexsort((self._rng.random(len(left)), -values))
        return [(float(values[place]), left[place]) for place in order[:n_points]]


class InOrder(AbstractInitialDesign):
    """The first candidates of a random order.

    Args:
        scenario: The scenario, whose space holds the candidates.
        order: Indices of the candidates.
    """

    def __init__(self, scenario: Scenario, order: Sequence[int]) -> None:
        super().__init__(scenario, n_configs=len(order), max_ratio=1)
        self._order = order

    def _select_configurations(self) -> list[Configuration]:
        return [self._configspace.every[index] for index in self._order]


class SMACSession:
    """A run of SMAC.

    Args:
        axes: The choices of the candidates.
        order: All candidates in random order.
        rungs: Number of rungs; without low fidelities there is one, and SMAC's facade for a single fidelity is used.
        factor: The budget of rung ``r`` is ``factor ** r``.
        seed: Seed of SMAC.
    """

    def __init__(self, axes: Sequence[Axis], order: Sequence[int], rungs: int, factor: int, seed: int) -> None:
        space = Candidates(axes, seed)
        self._index = {configuration: index for index, configuration in reversed(list(enumerate(space.every)))}
        self._rungs, self._factor = rungs, factor
        self._asked: TrialInfo | None = None
        self._told: dict[Pair, TrialValue] = {}
        facade = MultiFidelityFacade if rungs > 1 else HyperparameterOptimizationFacade
        with TemporaryDirectory() as folder, _quietly():
            scenario = Scenario(
                space,
                deterministic=True,
                n_trials=ENDLESS,
                seed=seed % 2**31,
                output_directory=folder,
                **({"min_budget": BELOW, "max_budget": float(factor ** (rungs - 1))} if rungs > 1 else {}),
            )
            settings = {"eta": factor} if rungs > 1 else {}
            random_start = min(RANDOM_START * len(axes), len(order) // 4) or 1
            self._smac = facade(
                scenario,
                intensifier=facade.get_intensifier(scenario, **settings),
                acquisition_maximizer=OverCandidates(space, seed=seed % 2**31),
                initial_design=InOrder(scenario, order[: max(random_start, 2)]),
                logging_level=False,
                overwrite=True,
            )

    def ask(self) -> Pair | None:
        while True:
            if self._asked is None:
                try:
                    with _quietly():
                        self._asked = self._smac.ask()
                except (StopIteration, RuntimeError, ConfigurationSpaceExhaustedException):
                    return None
            pair = self._pair(self._asked)
            if pair not in self._told:
                return pair
            self._tell(self._told[pair])

    def tell(self, score: float | None) -> None:
        if self._asked is None:
            return
        failed = TrialValue(cost=1.0, status=StatusType.CRASHED)
        value = failed if score is None else TrialValue(cost=1 - score)
        self._told[self._pair(self._asked)] = value
        self._tell(value)

    def _tell(self, value: TrialValue) -> None:
        with _quietly():
            self._smac.tell(self._asked, value, save=False)
        self._asked = None

    def _pair(self, asked: TrialInfo) -> Pair:
        if asked.budget is None:
            return self._index[asked.config], self._rungs - 1
        rung = round(np.log(asked.budget) / np.log(self._factor))
        return self._index[asked.config], int(rung)


def _parameter(name: str, axis: Axis) -> Any:
    """A choice as a parameter: an integer where ordinal, of which there is one value at least."""
    count = len(axis.values)
    if axis.ordered and count > 1:
        return UniformIntegerHyperparameter(name, 0, count - 1)
    return CategoricalHyperparameter(name, list(range(count)))


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress warnings on small samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
