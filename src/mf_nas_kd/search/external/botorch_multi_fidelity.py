"""BoTorch's multi-fidelity Bayesian optimisation: information about the best accuracy per second.

References:
    Balandat et al. (2020). BoTorch: A Framework for Efficient Monte-Carlo Bayesian Optimization. NeurIPS.
    Wu et al. (2019). Practical Multi-fidelity Bayesian Optimization for Hyperparameter Tuning. UAI: the kernel.
    Takeno et al. (2020). Multi-fidelity Bayesian Optimization with Max-value Entropy Search. ICML: information divided
    by cost.
    Moss et al. (2021). GIBBON: General-purpose Information-Based Bayesian Optimisation. JMLR 22: its approximation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.external import require
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.rungs import rungs
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, reserve_full_evaluation, within

CONSIDERED = 1000  # candidates for a proposal, drawn at random of more: time and memory grow with their number


class Process(Protocol):
    """What is used of :mod:`.multi_fidelity_process`, which needs torch and is imported late."""

    def mean(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predicted accuracies of points."""
        ...

    def information_per_second(
        self,
        points: NDArray[np.float64],
        targets: NDArray[np.float64],
        pending: NDArray[np.float64],
        seconds: Mapping[float, float],
    ) -> NDArray[np.float64]:
        """Information of points about the best accuracy, in nats per second."""
        ...


class BoTorchMultiFidelityOptions(Options):
    """Options of :class:`BoTorchMultiFidelity`.

    Attributes:
        initial_low_evaluations: Random evaluations at each low fidelity before the process is used; known ones count.
        initial_full_evaluations: Random high-fidelity evaluations before the process is used; known ones count.
    """

    initial_low_evaluations: PositiveInt
    initial_full_evaluations: PositiveInt


class BoTorchMultiFidelity(Strategy):
    """The candidate and fidelity with most information about the best accuracy per second.

    One process models all fidelities of one distillation configuration. Information is cheap at low fidelity, and the
    acquisition itself never proposes a high-fidelity evaluation of the best network. So the candidate with the best
    prediction (BoTorch's own final recommendation) is evaluated at the target fidelity each time that the low-fidelity
    evaluations since the last high-fidelity one have cost as much as a high-fidelity one, and when the budget affords
    nothing else before the last high-fidelity evaluation. Candidates with a high-fidelity evaluation are not evaluated
    at low fidelity any more, so that all candidates reach the target fidelity in the end.

    Raises:
        MissingPackageError: If BoTorch is not installed.
    """

    Options = BoTorchMultiFidelityOptions
    options: BoTorchMultiFidelityOptions
    package = "botorch"

    def __init__(self, problem: SearchProblem, options: BoTorchMultiFidelityOptions) -> None:
        require("botorch")
        super().__init__(problem, options)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, count = self.problem, self.problem.proposals_at_a_time
        ladder = rungs(problem, history)
        self._require_different_levels(ladder)
        leaving_one = reserve_full_evaluation(problem, history, budget)
        if initial := within(leaving_one, history, self._initial(ladder, history, rng)[:count]):
            return initial
        open_ones = draw(problem, history, problem.full, CONSIDERED, rng)
        process = self._process(ladder, history, int(rng.integers(2**32)))
        if process is None or not open_ones:
            return within(budget, history, open_ones[:count])
        untried = [proposal.candidate for proposal in open_ones]
        low, full = self._low_seconds(history), self._seconds(history, problem.full)
        first: tuple[Proposal, ...] = ()
        if low >= full:
            why = f"{low:.0f} s of low-fidelity evaluations since the last high-fidelity one, which costs {full:.0f} s"
            first = (self._recommended(process, untried, why),)
        if afforded := within(leaving_one, history, self._informed(process, ladder, untried, history, first)):
            return afforded
        why = "the budget affords nothing else before the last high-fidelity evaluation"
        return within(budget, history, (self._recommended(process, untried, why),))

    def _initial(self, ladder: Sequence[Fidelity], history: History, rng: np.random.Generator) -> tuple[Proposal, ...]:
        """Random evaluations that a fidelity lacks before the process is used."""
        for rung in ladder:
            full = rung == self.problem.full
            wanted = self.options.initial_full_evaluations if full else self.options.initial_low_evaluations
            missing = wanted - len(history.tried(rung) & self.problem.by_id.keys())
            if missing > 0 and (drawn := draw(self.problem, history, rung, missing, rng)):
                return drawn
        return ()

    def _process(self, ladder: Sequence[Fidelity], history: History, seed: int) -> Process | None:
        """The process, fitted to all finished evaluations of the candidates; None if there are fewer than two."""
        from mf_nas_kd.search.external.multi_fidelity_process import MultiFidelityProcess

        by_id = self.problem.by_id
        known = [
            (self._points([by_id[name]], rung)[0], accuracy)
            for rung in ladder
            for name, accuracy in history.scores(rung, by_id).items()
        ]
        if len(known) <= 1:
            return None
        points, accuracies = zip(*known, strict=True)
        return MultiFidelityProcess(np.array(points), np.array(accuracies), seed)

    def _recommended(self, process: Process, untried: Sequence[Candidate], why: str) -> Proposal:
        """High-fidelity evaluation of the candidate with the best prediction."""
        mean = process.mean(self._points(untried, self.problem.full))
        best = int(np.argmax(mean))
        reason = f"best prediction of {len(untried)}, {mean[best]:.4f}; {why}"
        return Proposal(untried[best], self.problem.full, reason)

    def _informed(
        self,
        process: Process,
        ladder: Sequence[Fidelity],
        untried: Sequence[Candidate],
        history: History,
        chosen: tuple[Proposal, ...],
    ) -> tuple[Proposal, ...]:
        """The chosen proposals, followed by those with most information per second."""
        pairs = [(c, rung) for rung in ladder for tried in [history.tried(rung)] for c in untried if c.id not in tried]
        targets = self._points(untried, self.problem.full)
        seconds = {self._level(rung): self._seconds(history, rung) for rung in ladder}
        while len(chosen) < self.problem.proposals_at_a_time:
            taken = {(proposal.candidate.id, proposal.fidelity) for proposal in chosen}
            pairs = [(c, rung) for c, rung in pairs if (c.id, rung) not in taken]
            if not pairs:
                break
            points = np.concatenate([self._points([c], rung) for c, rung in pairs])
            pending = [self._points([p.candidate], p.fidelity)[0] for p in chosen]
            information = process.information_per_second(points, targets, np.array(pending), seconds)
            best = int(np.argmax(information))
            reason = (
                f"most information about the best accuracy per second, {information[best]:.3g} nats, of {len(pairs)} "
                f"pairs of candidate and fidelity; about {seconds[points[best, -1]]:.0f} s"
            )
            chosen = (*chosen, Proposal(*pairs[best], reason))
        return chosen

    def _low_seconds(self, history: History) -> float:
        """Cost of the low-fidelity evaluations of this search since the last high-fidelity one, in seconds."""
        spent = 0.0
        for seen in history:
            spent = 0.0 if seen.fidelity == self.problem.full else spent + seen.cost_seconds * (seen.step > 0)
        return spent

    def _seconds(self, history: History, fidelity: Fidelity) -> float:
        """Mean cost of an evaluation at a fidelity; without one, estimated from those at other fidelities."""
        same = [seen.cost_seconds for seen in history if seen.fidelity == fidelity]
        return float(
            np.mean(same or [s.cost_seconds * fidelity.relative_cost / s.fidelity.relative_cost for s in history])
        )

    def _require_different_levels(self, ladder: Sequence[Fidelity]) -> None:
        """Refuse two fidelities that the process would take for one."""
        if len({self._level(rung) for rung in ladder}) != len(ladder):
            allowed = "of different relative costs; botorch_multi_fidelity does not tell image sizes apart"
            raise InvalidValueError("low fidelities", [str(rung) for rung in ladder], allowed)

    def _level(self, fidelity: Fidelity) -> float:
        """Position of a fidelity for the process, in (0, 1]: its relative cost; 1 for the target fidelity."""
        return fidelity.relative_cost / self.problem.full.relative_cost

    def _points(self, candidates: Sequence[Candidate], fidelity: Fidelity) -> NDArray[np.float64]:
        """Features in [0, 1] and the fidelity of ``N`` candidates, ``(N, p + 1)``."""
        features = np.array([self._scaled[candidate.id] for candidate in candidates])
        return np.column_stack([features, np.full(len(candidates), self._level(fidelity))])

    @cached_property
    def _scaled(self) -> dict[str, NDArray[np.float64]]:
        table = np.array([candidate.features for candidate in self.problem.candidates])
        low, spread = table.min(axis=0), np.ptp(table, axis=0)
        scaled = (table - low) / np.where(spread > 0, spread, 1)
        return {candidate.id: row for candidate, row in zip(self.problem.candidates, scaled, strict=True)}
