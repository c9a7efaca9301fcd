"""Reader of a finished study from the evaluation store, as a benchmark."""

from __future__ import annotations

import logging

import pandas as pd

from mf_nas_kd.benchmarks.table import EVALUATION_COLUMNS, BenchmarkTable, cheapest_first
from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.records.evaluation import Status

logger = logging.getLogger(__name__)


def study_table(plan: pd.DataFrame, evaluations: pd.DataFrame, candidates: pd.DataFrame) -> BenchmarkTable:
    """Make the benchmark table of the finished evaluations in a study's plan.

    Candidates whose high-fidelity evaluation failed or is missing in the store are left out with a warning. Repeated
    high-fidelity evaluations with further seeds are left out: a search has one evaluation an architecture.

    Args:
        plan: The plan, as returned by :func:`mf_nas_kd.studies.plan.plan_table`.
        evaluations: The evaluation store as a table; evaluations that are not planned are ignored.
        candidates: The candidates, as returned by :func:`mf_nas_kd.records.tables.candidate_table`.

    Raises:
        MissingEvaluationError: If no high-fidelity evaluation of the plan is finished.
    """
    theirs = evaluations[evaluations["status"] == Status.FINISHED].drop(columns=list(FIDELITY_COLUMNS))
    searched_plan = plan[plan["role"] != "repeat"]
    finished = searched_plan[["key", "role", *FIDELITY_COLUMNS]].merge(theirs, on="key")
    full = finished[finished["role"] == "full"]
    usable = candidates["architecture_id"].isin(full["architecture_id"])
    if not usable.any():
        raise MissingEvaluationError(
            f"none of the {len(candidates)} candidates has a finished high-fidelity evaluation in the store, so "
            "no search can be replayed: run the evaluation pipeline"
        )
    if not usable.all():
        left_out = candidates["architecture_id"][~usable]
        logger.warning(
            "%d of %d candidates are left out, because their high-fidelity evaluation failed or is missing: %s",
            len(left_out),
            len(candidates),
            ", ".join(left_out),
        )
    kept = candidates[usable]
    searched = Fidelity.from_row(next(full.itertuples()))
    known = finished.loc[finished["architecture_id"].isin(kept["architecture_id"]), list(EVALUATION_COLUMNS)]
    return BenchmarkTable(
        dataset=full["dataset"].iloc[0],
        space=kept["space"].iloc[0],
        candidates=kept.rename_axis("index").reset_index(),
        evaluations=known.reset_index(drop=True),
        searched=searched,
        truth=searched,
        low=cheapest_first(known, searched),
    )
