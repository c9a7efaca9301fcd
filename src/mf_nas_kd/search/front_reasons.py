"""Sentences of the search trace that explain the choices of ``mf_kd`` where the Pareto front is the objective."""

from __future__ import annotations

from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.search.front_acquisition import FrontChoice
from mf_nas_kd.search.posterior import Models
from mf_nas_kd.search.promotion import Setback
from mf_nas_kd.search.reasons import model_weight

PER_CENT = 100


def front_reason(choice: FrontChoice, models: Models, metric: Metric) -> str:
    """One sentence with the numbers that decided; hypervolumes are percentage points times the log of the cost."""
    sentence = _high_fidelity(choice, metric) if choice.threshold is None else _low_fidelity(choice, choice.threshold)
    return f"{sentence}; front of {metric.label} and {choice.cost}; {model_weight(models)}"


def _high_fidelity(choice: FrontChoice, metric: Metric) -> str:
    return (
        f"high-fidelity evaluation: expected hypervolume improvement {PER_CENT * choice.improvement:.3g}, "
        f"predicted {metric.label} {choice.expected:.4f} +- {choice.deviation:.4f}"
        f"{_in_spite_of(choice.setback) if choice.setback else ''}"
    )


def _in_spite_of(setback: Setback) -> str:
    below = setback.observation
    result = "failed" if below.score is None else f"gave {below.score:.4f}"
    return (
        f", although its low-fidelity evaluation at step {below.step} {result}, not above its promotion threshold "
        f"{below.threshold:.4f}: high-fidelity evaluations finished since {setback.finished_since}"
    )


def _low_fidelity(choice: FrontChoice, threshold: float) -> str:
    return (
        f"low-fidelity evaluation: a high-fidelity one only above {threshold:.4f} would improve the hypervolume by "
        f"{PER_CENT * choice.improvement:.3g} at {choice.relative_cost:.2f} of the cost of a high-fidelity one, "
        f"instead of {PER_CENT * choice.improvement_at_once:.3g} at 1; if not above, the candidate is not promoted "
        f"before another high-fidelity evaluation has finished; correlation with the target fidelity "
        f"{choice.agreement:.2f}"
    )
