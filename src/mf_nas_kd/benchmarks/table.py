"""Tables of finished studies, on which searches can be replayed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import FIDELITY_COLUMNS, Fidelity, Metrics
from mf_nas_kd.records import tables as records
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.metrics import ACCURACY, Metric
from mf_nas_kd.records.tables import at_fidelity, completed, records_of

CANDIDATE_COLUMNS = ("index", *records.CANDIDATE_COLUMNS)
PAUSE_SECONDS = "pause_seconds"
EVALUATION_COLUMNS = ("architecture_id", *FIDELITY_COLUMNS, *column_names(Metrics), "cost_seconds", PAUSE_SECONDS)


@dataclass(frozen=True)
class BenchmarkTable:
    """Finished evaluations of the candidates of one space on one dataset.

    Attributes:
        dataset: Name of the images.
        space: Name of the space, one of ``spaces.SPACES``.
        candidates: One row a candidate, with the columns ``CANDIDATE_COLUMNS``; ``index`` is the candidate's number in
            the source of the table. Further columns may be zero-cost proxies (``records.proxies.PROXY_LABELS``).
        evaluations: One row a finished evaluation, with the columns ``EVALUATION_COLUMNS``, at most one a candidate
            and fidelity. Every candidate has one at ``searched`` and one at ``truth``; at other fidelities some may
            be missing, as they are where a training failed. ``pause_seconds`` may be left out; where it has a
            value, longer trainings of the candidate can continue this one.
        searched: The fidelity whose validation accuracy a search maximises: that of the complete training, if the
            table has it.
        truth: The fidelity whose test accuracy is the quality of a candidate; the same as ``searched`` in most tables.
        low: The other fidelities that a search may use, cheapest first; may be empty.
        metric: The metric that selects; accuracies in replays are its values.

    Raises:
        InvalidValueError: If a candidate occurs twice, has two evaluations at one fidelity, or lacks one at
            ``searched`` or ``truth``; if the table does not have the metric.
    """

    dataset: str
    space: str
    candidates: pd.DataFrame
    evaluations: pd.DataFrame
    searched: Fidelity
    truth: Fidelity
    low: tuple[Fidelity, ...]
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        evaluations = completed(completed(self.evaluations, Fidelity), Metrics)
        if PAUSE_SECONDS not in evaluations:
            evaluations = evaluations.assign(**{PAUSE_SECONDS: float("nan")})
        object.__setattr__(self, "evaluations", evaluations[list(EVALUATION_COLUMNS)])
        metric = self.metric
        if metric != ACCURACY and self.at(self.truth)[metric.test].isna().all():
            raise InvalidValueError("metric", metric.name, f"accuracy, the only one that the table {self.name} has")
        if self.candidates.empty or self.candidates["architecture_id"].duplicated().any():
            raise InvalidValueError("number of candidates", len(self.candidates), "at least 1, all different")
        repeated = self.evaluations[self.evaluations.duplicated(["architecture_id", *FIDELITY_COLUMNS])]
        if len(repeated):
            what = f"evaluations of {repeated['architecture_id'].iloc[0]} at one fidelity"
            raise InvalidValueError(what, "more than one", "one")
        for fidelity, column in ((self.searched, metric.validation), (self.truth, metric.test)):
            there = self.at(fidelity).dropna(subset=[column])
            missing = ~self.candidates["architecture_id"].isin(there["architecture_id"])
            if missing.any():
                allowed = f"all {len(self.candidates)}"
                raise InvalidValueError(f"candidates with {column} at {fidelity}", int((~missing).sum()), allowed)

    @property
    def name(self) -> str:
        """Short name of the table, for logs and pictures."""
        return f"{self.dataset} {self.space}"

    def by(self, metric: Metric) -> BenchmarkTable:
        """The table, by another metric.

        Raises:
            InvalidValueError: If the table does not have it; published tables have accuracies only.
        """
        return replace(self, metric=metric)

    @property
    def continuation(self) -> bool:
        """Whether a training of the table can be continued."""
        return bool(self.evaluations[PAUSE_SECONDS].notna().any())

    def at(self, fidelity: Fidelity) -> pd.DataFrame:
        """Rows of the evaluations at a fidelity."""
        return at_fidelity(self.evaluations, fidelity)


def cheapest_first(evaluations: pd.DataFrame, full: Fidelity) -> tuple[Fidelity, ...]:
    """Fidelities of evaluations in the order of their mean cost, without the target fidelity.

    Args:
        evaluations: A table with the columns ``EVALUATION_COLUMNS``.
        full: The fidelity to leave out.
    """
    cost = evaluations.groupby(list(FIDELITY_COLUMNS), as_index=False, dropna=False)[["cost_seconds"]].mean()
    return tuple(each for each in records_of(cost.sort_values("cost_seconds"), Fidelity) if each != full)
