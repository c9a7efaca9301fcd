"""What a training was worth: fidelities, evaluations, who makes them, where they are kept, who runs them.

The values, the store and the executors need no torch. Only :mod:`mf_nas_kd.evaluation.training_evaluator` does, and is
imported by name where a training is really meant.
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
