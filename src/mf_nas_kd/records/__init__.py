"""The values that everything else speaks of: architectures, fidelities, evaluations.

Nothing here needs torch, a database or Kedro.
"""

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, Status, TeacherFill
from mf_nas_kd.records.fidelity import Fidelity, FidelityGrid, FidelitySettings

__all__ = [
    "Architecture",
    "Evaluation",
    "EvaluationRequest",
    "Fidelity",
    "FidelityGrid",
    "FidelitySettings",
    "Status",
    "TeacherFill",
]
