"""The front that a search has found, and those of its members that are worth a final training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mf_nas_kd.search.front_objective import FrontObjective
from mf_nas_kd.search.hypervolume import Array, ReferencePoint, Staircase
from mf_nas_kd.search.pareto import pareto_front


def front_members(objective: FrontObjective, scores: Mapping[str, float]) -> tuple[str, ...]:
    """Stable names of the candidates on the Pareto front, the cheapest first.

    Args:
        objective: The cost that stands against the score.
        scores: Score of each candidate, by its stable name.

    >>> objective = FrontObjective("macs", {"a": 1, "b": 2, "c": 3})
    >>> front_members(objective, {"a": 0.5, "b": 0.4, "c": 0.6})
    ('a', 'c')
    """
    rows = [(name, objective.values[name], score) for name, score in scores.items()]
    front = pareto_front(pd.DataFrame(rows, columns=["name", "cost", "score"]), "score", "cost")
    return tuple(front["name"])


def spread_over(objective: FrontObjective, scores: Mapping[str, float], count: int) -> tuple[str, ...]:
    """Those members of the front that have most of its hypervolume, the highest score first.

    The member with the highest score, then one after the other the member that adds most (the reference point is that
    of the members).

    Args:
        objective: The cost that stands against the score.
        scores: Score of each candidate, by its stable name.
        count: How many at most.

    References:
        Guerreiro, Fonseca, Paquete (2016). Greedy Hypervolume Subset Selection in Low Dimensions. Evolutionary
        Computation 24.
    """
    members = front_members(objective, scores)
    values = np.array([scores[name] for name in members])
    log_costs: Array = np.log([objective.values[name] for name in members])
    reference, chosen = ReferencePoint.beyond(log_costs, values), [len(members) - 1]
    while len(chosen) < min(count, len(members)):
        known = Staircase.of(log_costs[chosen], values[chosen], reference)
        added = known.improvement(log_costs, values[:, None])[:, 0]
        added[chosen] = -1
        chosen.append(int(np.argmax(added)))
    return tuple(members[place] for place in sorted(chosen, reverse=True))


def front_rows(objective: FrontObjective, scores: Mapping[str, float], score: str) -> list[dict[str, object]]:
    """The front as rows for a file, the cheapest first: name, cost and score of each member.

    Args:
        objective: The cost that stands against the score.
        scores: Score of each candidate, by its stable name.
        score: Name of the score.
    """
    return [
        {"architecture_id": name, objective.cost: objective.values[name], score: scores[name]}
        for name in front_members(objective, scores)
    ]
