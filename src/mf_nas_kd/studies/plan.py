"""The plan of a study: the evaluations of every candidate at every fidelity."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import FIDELITY_COLUMNS, Architecture, EvaluationRequest, Fidelity, Metric, Status
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.tables import completed, records_of
from mf_nas_kd.studies.evaluator import Evaluator

PLAN_COLUMNS = ("key", "role", *column_names(Architecture), *FIDELITY_COLUMNS, "seed")


def plan_table(
    architectures: Sequence[Architecture],
    low: Sequence[Fidelity],
    full: Fidelity,
    seed: int,
    evaluator: Evaluator,
    seeds: int = 1,
) -> pd.DataFrame:
    """Make the plan of a study: one row an evaluation, sorted by fidelity, the target fidelity last.

    Args:
        architectures: The candidates.
        low: The low fidelities, whose rankings are compared; their ``role`` is ``low``.
        full: The target fidelity; its ``role`` is ``full``, also where it is among ``low``.
        seed: Seed of all trainings of the roles ``low`` and ``full``.
        evaluator: Computes the keys.
        seeds: Number of seeds of the target fidelity, at least 1. The trainings with ``seed + 1``, ``seed + 2`` and so
            on have the role ``repeat``: they belong to the correlations, and not to the search.

    Returns:
        A table with the columns ``PLAN_COLUMNS``, in which every key occurs once.
    """
    repeats = [(full, "repeat", seed + further) for further in range(1, seeds)]
    rows = [
        {
            "key": evaluator.key(architecture, fidelity, of_role),
            "role": role,
            **architecture.to_row(),
            **fidelity.to_row(),
            "seed": of_role,
        }
        for fidelity, role, of_role in [*((each, "low", seed) for each in low), *repeats, (full, "full", seed)]
        for architecture in architectures
    ]
    return pd.DataFrame(rows, columns=list(PLAN_COLUMNS)).drop_duplicates("key", keep="last", ignore_index=True)


def require_current(plan: pd.DataFrame, evaluator: Evaluator) -> None:
    """Check that a plan was made for the current images, teacher and settings.

    Args:
        plan: The plan.
        evaluator: Evaluator with the current settings.

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
    """Requests of the planned evaluations, in the order of the plan."""
    columns = (records_of(plan, Architecture), records_of(plan, Fidelity), plan["seed"].tolist())
    return [EvaluationRequest(*values) for values in zip(*columns, strict=True)]


def planned_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Evaluations of a plan, in its order, with the columns ``role`` and fidelity of the plan.

    Equal keys are equal trainings; the fidelity of the plan is taken because a store of an earlier version may lack
    columns of it.

    Args:
        plan: The plan.
        evaluations: The store as a table; evaluations that are not planned are ignored.

    Raises:
        MissingEvaluationError: If some of them are missing.
    """
    plan = completed(plan, Fidelity)
    missing = ~plan["key"].isin(evaluations["key"])
    if missing.any():
        raise MissingEvaluationError(
            f"{missing.sum()} of {len(plan)} planned evaluations are not in the store: "
            "run the evaluation pipeline (what the store has is not trained again)"
        )
    ours = ["key", "role", *FIDELITY_COLUMNS]
    return plan[ours].merge(evaluations.drop(columns=list(FIDELITY_COLUMNS)), on="key", how="left")


def finished_evaluations(plan: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Finished evaluations of a plan, as returned by :func:`planned_evaluations`.

    Args:
        plan: The plan.
        evaluations: The store as a table.

    Raises:
        MissingEvaluationError: If planned evaluations are missing, or no high-fidelity evaluation finished.
    """
    planned = planned_evaluations(plan, evaluations)
    finished = planned[planned["status"] == Status.FINISHED]
    if not (finished["role"] == "full").any():
        first = planned.loc[planned["role"] == "full", "error"].iloc[0]
        raise MissingEvaluationError(
            f"no high-fidelity evaluation finished, so there is nothing to compare with; the first: {first}"
        )
    return finished


def scored_by_role(
    plan: pd.DataFrame, evaluations: pd.DataFrame, metric: Metric
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Finished evaluations with their scores: low fidelities, high fidelity, and its repetitions with other seeds.

    Args:
        plan: The plan.
        evaluations: The store as a table.
        metric: The metric that gives the scores.

    Raises:
        MissingEvaluationError: As of :func:`finished_evaluations`, or if some evaluation lacks the metric.
    """
    finished = metric.scored(finished_evaluations(plan, evaluations))
    low, full, repeats = (finished[finished["role"] == role] for role in ("low", "full", "repeat"))
    return low, full, repeats
