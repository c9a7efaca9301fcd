"""Finalists of a finished search, from the tables that study and search have saved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mf_nas_kd.records import AllCosts, Evaluation, Fidelity, Limits
from mf_nas_kd.records.tables import completed, records_of
from mf_nas_kd.search import Candidate, History, Observation, SearchProblem
from mf_nas_kd.search.finalists import Finalist, choose_finalists
from mf_nas_kd.studies.device_costs import DeviceCostsOf
from mf_nas_kd.studies.plan import finished_evaluations

logger = logging.getLogger(__name__)


def finalists_of(
    problem: SearchProblem,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    trace: pd.DataFrame,
    count: int,
    tolerance_points: float,
    limits: Limits | None = None,
    on_device: DeviceCostsOf | None = None,
) -> tuple[Finalist, ...]:
    """Finalists of a finished search; see :func:`.choose_finalists`.

    Args:
        problem: The problem of the search, as returned by :func:`.search_problem`.
        plan: The plan of the study.
        evaluations: The store as a table; evaluations that are not planned are ignored.
        trace: The trace of the search, with the columns ``TRACE_COLUMNS``.
        count: Number of finalists, and of cheaper equivalents at most.
        tolerance_points: How much lower the posterior mean of a cheaper equivalent may be, in percentage points.
        limits: Upper limits of the costs. Where those on a device are limited, finalists are measured once more, and
            those that are above a limit then are left out.
        on_device: Costs on a device; needed where these are limited.

    Raises:
        InvalidValueError: If ``count`` or ``tolerance_points`` is not allowed.
        MissingEvaluationError: If planned evaluations are missing, or no high-fidelity evaluation finished.
    """
    history, excluded = search_history(problem, plan, evaluations, trace), set[str]()
    while True:
        finalists = choose_finalists(problem, history, count, tolerance_points, excluded)
        above = _above(finalists, limits, on_device) if limits and on_device and limits.need_device else {}
        if not above:
            return finalists
        excluded |= above.keys()
        for name, latency in above.items():
            logger.warning("%s is no finalist: measured once more, it is above the limits (%.4g ms)", name, latency)


def _above(finalists: Sequence[Finalist], limits: Limits, on_device: DeviceCostsOf) -> dict[str, float]:
    """Latency of those finalists that another measurement finds above a limit."""
    costs = {each.candidate.id: each.candidate.costs for each in finalists}
    found = on_device.again([each.candidate.architecture for each in finalists])
    return {
        name: each.latency_ms
        for name, each in found.items()
        if not limits.allow(AllCosts(costs[name], each.latency_ms, each.activation_kib, each.model_kib))
    }


def search_history(
    problem: SearchProblem, plan: pd.DataFrame, evaluations: pd.DataFrame, trace: pd.DataFrame
) -> History:
    """The history at the end of a search: what it knew of the study, then what it was charged for.

    Costs in the trace include time that was lost to faults of machines; they are taken as costs of the trainings.

    Args:
        problem: The problem of the search.
        plan: The plan of the study.
        evaluations: The store as a table.
        trace: The trace of the search.

    Raises:
        MissingEvaluationError: If planned evaluations are missing, or no high-fidelity evaluation finished.
    """
    known = records_of(problem.metric.scored(finished_evaluations(plan, evaluations)), Evaluation)
    charged = problem.metric.scored(completed(trace, Fidelity)).to_dict("records")
    return History(
        (
            *(Observation.of(evaluation, 0, problem) for evaluation in known),
            *(_observation(row, problem.by_id) for row in charged),
        )
    )


def _observation(row: Mapping[Any, Any], candidates: Mapping[str, Candidate]) -> Observation:
    """The observation of a row of the trace; the score of a failed training is missing in it."""
    score = row["val_score"]
    return Observation(
        architecture_id=row["architecture_id"],
        fidelity=Fidelity.from_row(row),
        score=float(score) if np.isfinite(score) else None,
        cost_seconds=float(row["cost_seconds"]),
        macs=candidates[row["architecture_id"]].macs,
        step=int(row["step"]),
    )
