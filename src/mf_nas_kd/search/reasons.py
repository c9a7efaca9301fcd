"""Sentences of the search trace that explain the choices of ``mf_kd``."""

from __future__ import annotations

from mf_nas_kd.search.acquisition import HighFidelityChoice, LowFidelityChoice
from mf_nas_kd.search.posterior import Models


def reason_of(choice: HighFidelityChoice | LowFidelityChoice, models: Models) -> str:
    """One sentence with the numbers that decided."""
    sentence = _high_fidelity(choice) if isinstance(choice, HighFidelityChoice) else _low_fidelity(choice)
    return f"{sentence}; {_model_weight(models)}"


def _high_fidelity(choice: HighFidelityChoice) -> str:
    return (
        f"high-fidelity evaluation: probability of being the best {choice.probability:.2f}, "
        f"predicted accuracy {choice.expected:.4f} +- {choice.deviation:.4f}"
    )


def _low_fidelity(choice: LowFidelityChoice) -> str:
    return (
        f"low-fidelity evaluation: a high-fidelity one only above {choice.threshold:.4f} would identify the best with "
        f"probability {choice.probability:.2f} at {choice.relative_cost:.2f} of the cost of a high-fidelity one, "
        f"instead of {choice.probability_at_once:.2f} at 1; correlation with the target fidelity {choice.agreement:.2f}"
    )


def _model_weight(models: Models) -> str:
    return f"model weight of low fidelities {models.weight:.2f}" if models.differ else "no low-fidelity evaluations yet"
