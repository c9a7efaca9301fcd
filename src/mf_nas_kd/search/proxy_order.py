"""Zero-cost order: high-fidelity evaluations of the candidates by falling value of a zero-cost proxy.

References:
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: MACs and parameters
    rank networks about as well as any other proxy.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import NameIn, Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate
from mf_nas_kd.search.strategy import Proposal, Strategy, within
from mf_nas_kd.statistics.proxies import NAMES, PROXIES


class ProxyOrderOptions(Options):
    """Options of :class:`ProxyOrder`.

    Attributes:
        proxy: A name in ``statistics.proxies.NAMES``.
    """

    proxy: Annotated[str, NameIn(NAMES, "strategies.proxy_order.proxy")]


class ProxyOrder(Strategy):
    """High-fidelity evaluations in the order of a zero-cost proxy, the highest value first. Nothing is random.

    Raises:
        InvalidValueError: If the proxy is not defined for the space of the candidates, or they have no value of it.
    """

    Options = ProxyOrderOptions
    options: ProxyOrderOptions

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, tried = self.problem, history.tried(self.problem.full)
        ranked = sorted(problem.candidates, key=self._value, reverse=True)
        proposals = [
            Proposal(
                candidate,
                problem.full,
                f"rank {rank} of {len(ranked)} candidates by {self.options.proxy}, with {self._value(candidate):g}",
            )
            for rank, candidate in enumerate(ranked, start=1)
            if candidate.id not in tried
        ]
        return within(budget, history, proposals[: problem.proposals_at_a_time])

    def _value(self, candidate: Candidate) -> float:
        name = self.options.proxy
        value = candidate.proxies.get(name)
        if value is None and name in PROXIES:
            value = PROXIES[name](candidate.architecture, candidate.costs)
        if value is None:
            computed = "" if name in PROXIES else ", and that was computed of all candidates"
            allowed = f"one that is defined for the space {candidate.architecture.space}{computed}"
            raise InvalidValueError("strategies.proxy_order.proxy", self.options.proxy, allowed)
        return value
