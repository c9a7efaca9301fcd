"""Which evaluations a study consists of: every candidate at every fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, Status
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.studies.evaluator import Evaluator

PLAN_COLUMNS = (
    "key",
    "role",
    "architecture_id",
    "space",
    "architecture",
    "train_fraction",
    "epochs",
    "width",
    "distillation",
    "seed",
)


def plan_table(
    architectures: Sequence[Architecture], low: Sequence[Fidelity], full: Fidelity, seed: int, evaluator: Evaluator
) -> pd.DataFrame:
    """One row an evaluation, with the columns ``PLAN_COLUMNS``, in the order of the fidelities, full trainings last.

    Args:
        architectures: The candidates.
        low: The fidelities that are judged; their ``role`` is ``low``.
        full: The fidelity that counts; its ``role`` is ``full``.
        seed: Of all trainings.
        evaluator: Gives the keys.
    """
    fidelities = [(fidelity, "low") for fidelity in low]
    rows = [
        (
            evaluator.key(architecture, fidelity, seed),
            role,
            architecture.id,
            architecture.space,
            architecture.specification,
            float(fidelity.train_fraction),
            fidelity.epochs,
            fidelity.width,
            fidelity.distillation,
            seed,
        )
        for fidelity, role in [*fidelities, (full, "full")]
        for architecture in architectures
    ]
    return pd.DataFrame(rows, columns=list(PLAN_COLUMNS)).drop_duplicates("key", keep="last", ignore_index=True)


def require_current(plan: pd.DataFrame, evaluator: Evaluator) -> None:
    """Refuse a plan that was made for other images, another teacher or other settings than those at hand.

    Raises:
        MissingEvaluationError: If a key of the plan is not the one that the evaluator gives today.
    """
    stale = [
        row.key
        for row, request in zip(plan.itertuples(), requests_of(plan), strict=True)
        if evaluator.key(request.architecture, request.fidelity, request.seed) != row.key
    ]
    if stale:
        raise MissingEvaluationError(
            f"{len(stale)} of {len(plan)} planned evaluations were made with other images, another teacher or other "
            "training settings than those at hand: run the evaluation pipeline (what still holds is not trained again)"
        )


def requests_of(plan: pd.DataFrame) -> list[EvaluationRequest]:
    """The requests of a plan, in its order."""
    return [
        EvaluationRequest(Architecture(row.space, row.architecture), Fidelity.from_columns(row), row.seed)
        for row in plan.itertuples()
    ]


def planned_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """The rows of the store that belong to a plan, in the plan's order, with its ``role`` as a column.

    Raises:
        MissingEvaluationError: If the store lacks some of them.
    """
    missing = ~plan["key"].isin(evaluations["key"])
    if missing.any():
        raise MissingEvaluationError(
            f"{missing.sum()} of {len(plan)} planned evaluations are not in the store: "
            "run the evaluation pipeline (what is there is not trained again)"
        )
    return plan[["key", "role"]].merge(evaluations, on="key", how="left")


def finished_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Those of the planned evaluations that did not fail.

    Raises:
        MissingEvaluationError: If the store lacks some of the planned, or no full training finished.
    """
    planned = planned_evaluations(plan, evaluations)
    finished = planned[planned["status"] == Status.FINISHED]
    if not (finished["role"] == "full").any():
        first = planned.loc[planned["role"] == "full", "error"].iloc[0]
        raise MissingEvaluationError(
            f"no full training finished, so there is nothing to compare with; the first: {first}"
        )
    return finished


def evaluations_of(table: pd.DataFrame) -> list[Evaluation]:
    """The records of a table's rows; columns that are not part of a record are left aside."""
    names = [field.name for field in fields(Evaluation)]
    columns = table[names].astype(object)
    return [Evaluation(**row) for row in columns.where(columns.notna(), None).to_dict("records")]
