"""Studies: the plan of the evaluations, the evaluator that trains, the runner that fills the store, and the search.

:mod:`mf_nas_kd.studies.training_evaluator` needs torch and is imported by its name.
"""

from mf_nas_kd.studies.evaluator import Evaluator
from mf_nas_kd.studies.parameters import EvaluationParameters
from mf_nas_kd.studies.runner import run_evaluations

__all__ = ["EvaluationParameters", "Evaluator", "run_evaluations"]
