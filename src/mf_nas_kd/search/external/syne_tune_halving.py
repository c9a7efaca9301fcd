"""Syne Tune's asynchronous successive halving, for the best candidate and for the Pareto front.

A candidate is evaluated at the lowest rung; after each result Syne Tune says whether it goes on to the next rung or
stops. New candidates come in random order: Syne Tune's own sampler, without drawing one twice. With several fidelities
in epochs, going on is continuing the training.

References:
    Li et al. (2020). A System for Massively Parallel Hyperparameter Tuning. MLSys: ASHA.
    Schmucker, Donini, Zafar, Salinas, Archambeau (2021). Multi-objective Asynchronous Successive Halving. arXiv
    2106.12639: MOASHA, non-dominated sorting in each rung.
    Salinas et al. (2022). Syne Tune: A Library for Large Scale Hyperparameter Tuning and Reproducible Research. AutoML.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import Field

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.external import require
from mf_nas_kd.search.external.ask_tell import AskTell, Pair, Session
from mf_nas_kd.search.front_objective import FRONT_OBJECTIVE
from mf_nas_kd.search.problem import SearchProblem

STARTED = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # of every trial; Syne Tune does not use it here


class HalvingOptions(Options):
    """Options of :class:`SyneTuneASHA` and :class:`SyneTuneMOASHA`.

    Attributes:
        reduction_factor: One in so many candidates goes on to the next rung; above 1.
    """

    reduction_factor: float = Field(gt=1)


class SyneTuneASHA(AskTell):
    """Asynchronous successive halving with one worker.

    Raises:
        MissingPackageError: If Syne Tune is not installed.
    """

    Options = HalvingOptions
    options: HalvingOptions
    optimiser = "ASHA"
    package = "syne_tune"

    def __init__(self, problem: SearchProblem, options: HalvingOptions) -> None:
        require("syne_tune", "syne_tune")
        super().__init__(problem, options)

    def begin(self, ladder: Sequence[Fidelity], order: Sequence[int], seed: int) -> Session:
        from syne_tune.config_space import randint
        from syne_tune.optimizer.schedulers.asha import AsynchronousSuccessiveHalving

        scheduler = AsynchronousSuccessiveHalving(
            {"candidate": randint(0, len(order))},
            metric="score",
            do_minimize=False,
            random_seed=seed,
            **self._resources(ladder),
        )
        return HalvingSession(scheduler, order, ladder, self.options.reduction_factor)

    def _resources(self, ladder: Sequence[Fidelity]) -> dict[str, Any]:
        factor = self.options.reduction_factor
        return {
            "time_attr": "resource",
            "grace_period": 1,
            "max_t": factor ** (len(ladder) - 1),
            "reduction_factor": factor,
        }


class SyneTuneMOASHA(SyneTuneASHA):
    """Multi-objective asynchronous successive halving: accuracy and the logarithm of the cost."""

    objectives = (FRONT_OBJECTIVE,)
    optimiser = "MOASHA"

    def begin(self, ladder: Sequence[Fidelity], order: Sequence[int], seed: int) -> Session:
        from syne_tune.config_space import randint
        from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

        scheduler = MOASHA(
            {"candidate": randint(0, len(order))},
            metrics=["score", "cheapness"],
            do_minimize=False,
            random_seed=seed,
            **self._resources(ladder),
        )
        values = {} if self.problem.objective is None else self.problem.objective.values
        cheapness = [-math.log(values[candidate.id]) for candidate in self.problem.candidates]
        return HalvingSession(scheduler, order, ladder, self.options.reduction_factor, cheapness)


class HalvingSession:
    """A scheduler of Syne Tune with one worker.

    Args:
        scheduler: ASHA or MOASHA.
        order: Order in which candidates begin.
        ladder: Fidelities by rising cost.
        factor: The resource of rung ``r`` is ``factor ** r``.
        cheapness: Second objective of each candidate, more is better; None for one objective.
    """

    def __init__(
        self,
        scheduler: Any,
        order: Sequence[int],
        ladder: Sequence[Fidelity],
        factor: float,
        cheapness: Sequence[float] | None = None,
    ) -> None:
        self._scheduler, self._factor, self._cheapness = scheduler, factor, cheapness
        self._waiting, self._rungs = list(reversed(order)), len(ladder)
        self._trial: Any = None
        self._pair: Pair | None = None

    def ask(self) -> Pair | None:
        if self._pair is None and self._waiting:
            from syne_tune.backend.trial_status import Trial

            candidate = self._waiting.pop()
            self._trial, self._pair = Trial(candidate, {"candidate": candidate}, STARTED), (candidate, 0)
            with untouched_global_generator():
                self._scheduler.on_trial_add(self._trial)
        return self._pair

    def tell(self, score: float | None) -> None:
        from syne_tune.optimizer.scheduler import SchedulerDecision

        if self._pair is None:
            return
        candidate, rung = self._pair
        if score is None:
            self._scheduler.on_trial_remove(self._trial)
            self._pair = None
            return
        result = {"score": score, "resource": self._factor**rung}
        if self._cheapness is not None:
            result["cheapness"] = self._cheapness[candidate]
        with untouched_global_generator():
            decision = self._scheduler.on_trial_result(self._trial, result)
        goes_on = decision == SchedulerDecision.CONTINUE and rung + 1 < self._rungs
        self._pair = (candidate, rung + 1) if goes_on else None


@contextmanager
def untouched_global_generator() -> Iterator[None]:
    """Restore NumPy's global generator, which Syne Tune draws brackets from; there is one bracket."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
