"""Sentences of the search trace that explain the choices of ``mf_kd``."""

from __future__ import annotations

from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.search.acquisition import HighFidelityChoice, LowFidelityChoice
from mf_nas_kd.search.posterior import Models
from mf_nas_kd.search.promotion import Setback


def reason_of(choice: HighFidelityChoice | LowFidelityChoice, models: Models, metric: Metric) -> str:
    """One sentence with the numbers that decided; they are values of the metric that selects."""
    sentence = _high_fidelity(choice, metric) if isinstance(choice, HighFidelityChoice) else _low_fidelity(choice)
    return f"{sentence}; {model_weight(models)}"


def _high_fidelity(choice: HighFidelityChoice, metric: Metric) -> str:
    return (
        f"high-fidelity evaluation: probability of being the best {choice.probability:.2f}, "
        f"predicted {metric.label} {choice.expected:.4f} +- {choice.deviation:.4f}"
        f"{_in_spite_of(choice.setback) if choice.setback else ''}"
    )


def _in_spite_of(setback: Setback) -> str:
    """Why a candidate is promoted although its low-fidelity result fell below the promotion threshold."""
    below, since = setback.observation, setback.finished_since
    result = "failed" if below.score is None else f"gave {below.score:.4f}"
    evaluations = "a high-fidelity evaluation has" if since == 1 else f"{since} high-fidelity evaluations have"
    why = f"{evaluations} finished since, and no other candidate has a higher probability now"
    return (
        f", although its low-fidelity evaluation at step {below.step} {result}, not above its promotion threshold "
        f"{below.threshold:.4f}: {why if since else 'no other candidate is left that may be promoted'}"
    )


def _low_fidelity(choice: LowFidelityChoice) -> str:
    return (
        f"low-fidelity evaluation: a high-fidelity one only above {choice.threshold:.4f} would identify the best with "
        f"probability {choice.probability:.2f} at {choice.relative_cost:.2f} of the cost of a high-fidelity one, "
        f"instead of {choice.probability_at_once:.2f} at 1; if not above, the candidate is not promoted before another "
        f"high-fidelity evaluation has finished; correlation with the target fidelity {choice.agreement:.2f}"
    )


def model_weight(models: Models) -> str:
    """How much the low-fidelity evaluations count."""
    return f"model weight of low fidelities {models.weight:.2f}" if models.differ else "no low-fidelity evaluations yet"
