"""Optimisers of other projects that are asked and told: a search is played again from its history at every proposal.

Such an optimiser has a state. A strategy is a pure function of the history, so the optimiser is made anew, asked, and
told what the history has, until it asks for an evaluation that the history lacks. That is the proposal. A strategy
keeps the optimiser of its last proposal, and goes on with it where the history is that one's continuation; the answers
are the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

import numpy as np

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.rungs import rungs
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, reserve_full_evaluation, within

Pair = tuple[int, int]
"""Index of a candidate, and of a rung of the fidelity ladder."""

FIRST = 2  # candidates that are drawn by the search's own random numbers; they are the seed of everything else


class Session(Protocol):
    """One run of an optimiser. It never asks for a pair again that it was told."""

    def ask(self) -> Pair | None:
        """The next evaluation; None if there is none. Asked again without being told, the answer is the same."""
        ...

    def tell(self, score: float | None) -> None:
        """The result of what was asked; None if the training failed."""
        ...


@dataclass
class Played:
    """A session, and what it was told."""

    start: tuple[int, ...]
    ladder: tuple[Fidelity, ...]
    session: Session
    told: dict[Pair, float | None] = field(default_factory=dict)


class AskTell(Strategy):
    """A strategy whose proposals are those of an optimiser of another project, one at a time.

    The first candidates are random. Where the optimiser asks for nothing more, the candidates without a high-fidelity
    evaluation follow at random. When the budget affords nothing else before the last high-fidelity evaluation, the
    candidate with the best result at the highest fidelity is evaluated at the target fidelity.
    """

    optimiser: str
    """Name in the reasons."""

    _played: Played | None = None

    @abstractmethod
    def begin(self, ladder: Sequence[Fidelity], order: Sequence[int], seed: int) -> Session:
        """Begin a session.

        Args:
            ladder: Fidelities by rising cost, the target fidelity last.
            order: All candidates in random order, by their indices: the first ones are its random start.
            seed: Seed of the optimiser's own random choices.
        """

    def rungs_of(self, history: History) -> tuple[Fidelity, ...]:
        """The fidelity ladder of a session."""
        return rungs(self.problem, history)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, ladder = self.problem, self.rungs_of(history)
        if not problem.by_id.keys() - history.tried(problem.full):
            return ()
        pair = self._asked(history, ladder, rng)
        if pair is None:
            return within(budget, history, draw(problem, history, problem.full, 1, rng))
        reason = f"{self.optimiser} asks for rung {pair[1] + 1} of {len(ladder)} after {len(history)} evaluations"
        proposal = Proposal(problem.candidates[pair[0]], ladder[pair[1]], reason)
        if proposal.fidelity == problem.full:
            return within(budget, history, (proposal,))
        afforded = within(reserve_full_evaluation(problem, history, budget), history, (proposal,))
        return afforded or within(budget, history, self._last(history, ladder, rng))

    def _asked(self, history: History, ladder: tuple[Fidelity, ...], rng: np.random.Generator) -> Pair | None:
        """What the optimiser asks for and the history lacks."""
        known = self._results(history, ladder)
        charged = dict.fromkeys(
            self.problem.index[seen.architecture_id]
            for seen in history
            if seen.step > 0 and seen.architecture_id in self.problem.index and seen.fidelity in ladder
        )
        start = tuple(charged)[:FIRST]
        if len(start) < FIRST:
            # Not kept: what is drawn here is in the next history.
            others = rng.permutation([i for i in range(len(self.problem.candidates)) if i not in start])
            return self._next(Played((), ladder, self.begin(ladder, [*start, *map(int, others)], 0)), known)
        played = self._played
        if played is None or played.start != start or played.ladder != ladder or not _goes_on(played.told, known):
            names = "".join(self.problem.candidates[index].id for index in start)
            seed = crc32(names.encode())
            others = np.random.default_rng(seed).permutation(
                [i for i in range(len(self.problem.candidates)) if i not in start]
            )
            played = Played(start, ladder, self.begin(ladder, [*start, *map(int, others)], seed))
        self._played = played
        return self._next(played, known)

    def _next(self, played: Played, known: Mapping[Pair, float | None]) -> Pair | None:
        while True:
            pair = played.session.ask()
            if pair is None or pair not in known:
                return pair
            played.session.tell(known[pair])
            played.told[pair] = known[pair]

    def _results(self, history: History, ladder: Sequence[Fidelity]) -> dict[Pair, float | None]:
        rung_of, index = {fidelity: rung for rung, fidelity in enumerate(ladder)}, self.problem.index
        return {
            (index[seen.architecture_id], rung_of[seen.fidelity]): seen.score
            for seen in history
            if seen.architecture_id in index and seen.fidelity in rung_of
        }

    def _last(self, history: History, ladder: Sequence[Fidelity], rng: np.random.Generator) -> tuple[Proposal, ...]:
        """High-fidelity evaluation of the best candidate at the highest fidelity with one that lacks it."""
        tried = history.tried(self.problem.full)
        why = "the budget affords nothing else before the last high-fidelity evaluation"
        for fidelity in reversed(ladder[:-1]):
            best = history.best(fidelity, self.problem.by_id.keys() - tried)
            if best is not None:
                reason = f"best at {fidelity}, {best[1]:.4f}; {why}"
                return (Proposal(self.problem.by_id[best[0]], self.problem.full, reason),)
        return draw(self.problem, history, self.problem.full, 1, rng)


def _goes_on(told: Mapping[Pair, float | None], known: Mapping[Pair, float | None]) -> bool:
    return all(pair in known and known[pair] == score for pair, score in told.items())
