"""What a training was worth: fidelities, evaluations, who makes them, where they are kept, who runs them.

The values, the store and the executors need no torch. :mod:`mf_nas_kd.evaluation.training_evaluator` does, and so does
:mod:`mf_nas_kd.evaluation.tables`, which counts what networks cost: both are imported by name where they are meant.
"""

from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.fidelity import Fidelity, FidelityGrid, FidelitySettings
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest, Status
from mf_nas_kd.evaluation.runner import run_evaluations
from mf_nas_kd.evaluation.store import EvaluationStore

__all__ = [
    "Evaluation",
    "EvaluationRequest",
    "EvaluationStore",
    "Evaluator",
    "Fidelity",
    "FidelityGrid",
    "FidelitySettings",
    "Status",
    "run_evaluations",
]
