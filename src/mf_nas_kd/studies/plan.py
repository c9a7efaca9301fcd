"""The plan of a study: every candidate at every fidelity."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import FIDELITY_COLUMNS, Architecture, EvaluationRequest, Fidelity, Status
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.studies.evaluator import Evaluator

PLAN_COLUMNS = ("key", "role", *column_names(Architecture), *FIDELITY_COLUMNS, "seed")


def plan_table(
    architectures: Sequence[Architecture], low: Sequence[Fidelity], full: Fidelity, seed: int, evaluator: Evaluator
) -> pd.DataFrame:
    """One row an evaluation, with the columns ``PLAN_COLUMNS``, by fidelity, the target fidelity last.

    Args:
        architectures: The candidates.
        low: The low fidelities, whose ranking is compared; their ``role`` is ``low``.
        full: The target fidelity; its ``role`` is ``full``.
        seed: Seed of all trainings.
        evaluator: Computes the keys.
    """
    rows = [
        {
            "key": evaluator.key(architecture, fidelity, seed),
            "role": role,
            **architecture.to_row(),
            **fidelity.to_row(),
            "seed": seed,
        }
        for fidelity, role in [*((fidelity, "low") for fidelity in low), (full, "full")]
        for architecture in architectures
    ]
    return pd.DataFrame(rows, columns=list(PLAN_COLUMNS)).drop_duplicates("key", keep="last", ignore_index=True)


def require_current(plan: pd.DataFrame, evaluator: Evaluator) -> None:
    """Refuse a plan that was made for other images, another teacher or other settings than the current ones.

    Raises:
        MissingEvaluationError: If a key of the plan is not the one that the evaluator computes now.
    """
    stale = [
        key
        for key, request in zip(plan["key"], requests_of(plan), strict=True)
        if evaluator.key(request.architecture, request.fidelity, request.seed) != key
    ]
    if stale:
        raise MissingEvaluationError(
            f"{len(stale)} of {len(plan)} planned evaluations were made with other images, another teacher or other "
            "training settings than the current ones: run the evaluation pipeline (valid results are not trained again)"
        )


def requests_of(plan: pd.DataFrame) -> list[EvaluationRequest]:
    """The requests of a plan, in its order."""
    columns = (records_of(plan, Architecture), records_of(plan, Fidelity), plan["seed"].tolist())
    return [EvaluationRequest(*values) for values in zip(*columns, strict=True)]


def planned_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """The evaluations of a plan, in the plan's order, with its ``role`` and fidelity as columns.

    The fidelity is the plan's: equal keys are equal trainings, and a store of an earlier version may lack a column.

    Raises:
        MissingEvaluationError: If some of them are missing.
    """
    missing = ~plan["key"].isin(evaluations["key"])
    if missing.any():
        raise MissingEvaluationError(
            f"{missing.sum()} of {len(plan)} planned evaluations are not in the store: "
            "run the evaluation pipeline (what the store has is not trained again)"
        )
    ours = ["key", "role", *FIDELITY_COLUMNS]
    return plan[ours].merge(evaluations.drop(columns=list(FIDELITY_COLUMNS)), on="key", how="left")


def finished_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """The planned evaluations that finished, as :func:`planned_evaluations` gives them.

    Raises:
        MissingEvaluationError: If some of the planned are missing, or no high-fidelity evaluation finished.
    """
    planned = planned_evaluations(plan, evaluations)
    finished = planned[planned["status"] == Status.FINISHED]
    if not (finished["role"] == "full").any():
        first = planned.loc[planned["role"] == "full", "error"].iloc[0]
        raise MissingEvaluationError(
            f"no high-fidelity evaluation finished, so there is nothing to compare with; the first: {first}"
        )
    return finished
