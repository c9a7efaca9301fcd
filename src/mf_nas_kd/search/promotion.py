"""Promotion thresholds: what becomes of a candidate whose low-fidelity result fell below the one that was announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History, Observation


@dataclass(frozen=True)
class Setback:
    """A low-fidelity result below its promotion threshold.

    Attributes:
        observation: The low-fidelity evaluation.
        finished_since: Number of high-fidelity evaluations that have finished since. At 0 the candidate is not
            promoted: nothing is known that was not known when the threshold was announced.
    """

    observation: Observation
    finished_since: int


def setbacks(history: History, full: Fidelity) -> Mapping[str, Setback]:
    """The candidates that are set back, by their stable names.

    A candidate without an evaluation at the target fidelity is set back if its last result with a threshold fell below.

    Args:
        history: All observations, oldest first.
        full: The target fidelity.
    """
    found: dict[str, Setback] = {}
    finished = 0
    for seen in reversed(history.observations):
        finished += seen.fidelity == full and seen.score is not None
        if seen.threshold is not None and seen.architecture_id not in found:
            found[seen.architecture_id] = Setback(seen, finished)
    tried = history.tried(full)
    return {name: last for name, last in found.items() if name not in tried and last.observation.fell_below_threshold}
