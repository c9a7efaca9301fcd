"""Trainings that continue earlier ones: what a proposal says of them, and which of them are there already."""

from __future__ import annotations

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem


def continuing(history: History, architecture_id: str, fidelity: Fidelity) -> str:
    """Addition to the reason of a proposal; empty if no earlier training can be continued.

    Args:
        history: All observations.
        architecture_id: Stable name of the proposed architecture.
        fidelity: Proposed fidelity.
    """
    earlier = history.continued(architecture_id, fidelity)
    if earlier is None:
        return ""
    epochs, saved = earlier.fidelity.epochs, history.saved_seconds(architecture_id, fidelity)
    return f"; continues the training of {epochs} epoch{'' if epochs == 1 else 's'}, which saves {saved:.1f} s"


def tried_or_longer(problem: SearchProblem, history: History, fidelity: Fidelity) -> set[str]:
    """Stable names of the architectures that were tried at a low fidelity, or at a longer low one that continues it.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        fidelity: The low fidelity.
    """
    longer = (other for other in problem.low if other == fidelity or other.continues(fidelity))
    return set().union(*(history.tried(other) for other in longer))
