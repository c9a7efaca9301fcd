"""A study: the plan of its evaluations, the evaluator that trains, and the runner that fills the store.

:mod:`mf_nas_kd.studies.training_evaluator` needs torch and is imported by name where it is meant.
"""

from mf_nas_kd.studies.evaluator import Evaluator
from mf_nas_kd.studies.runner import run_evaluations

__all__ = ["Evaluator", "run_evaluations"]
