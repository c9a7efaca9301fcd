"""The values that all other packages exchange: architectures, fidelities, costs, metrics, evaluations.

Records own the schema: :mod:`mf_nas_kd.records.fields` says how a field becomes a column. Nothing here needs torch, a
database or Kedro.
"""

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import AllCosts, Costs, Limits
from mf_nas_kd.records.device_costs import DeviceCosts
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, PrecomputedTargets, Status
from mf_nas_kd.records.fidelity import FIDELITY_COLUMNS, Fidelity, FidelityGrid, FidelitySettings
from mf_nas_kd.records.learning_curve import LearningCurve
from mf_nas_kd.records.metrics import METRICS, Metric, Metrics, MetricSetting

__all__ = [
    "FIDELITY_COLUMNS",
    "METRICS",
    "AllCosts",
    "Architecture",
    "Costs",
    "DeviceCosts",
    "Evaluation",
    "EvaluationRequest",
    "Fidelity",
    "FidelityGrid",
    "FidelitySettings",
    "LearningCurve",
    "Limits",
    "Metric",
    "MetricSetting",
    "Metrics",
    "PrecomputedTargets",
    "Status",
]
