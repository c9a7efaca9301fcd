"""What a proposal says of an earlier training that it continues."""

from __future__ import annotations

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History


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
