"""The evaluation store in the catalog: as the store itself, and as a table."""

from __future__ import annotations

from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview
from sqlalchemy.engine import make_url

from mf_nas_kd.records import Evaluation, PrecomputedTargets
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.store import EvaluationStore


class EvaluationStoreDataset(AbstractDataset[NoReturn, EvaluationStore]):
    """Opens the store, for nodes that append to it while they work.

    Args:
        url: An SQLAlchemy URL.
        metadata: For kedro-viz.
    """

    def __init__(self, *, url: str, metadata: dict[str, Any] | None = None) -> None:
        self._url = url
        self.metadata = metadata

    def load(self) -> EvaluationStore:
        return EvaluationStore(self._url)

    def save(self, data: NoReturn) -> None:
        raise DatasetError("an evaluation store is not saved as a whole: append to what load() returns")

    def _describe(self) -> dict[str, Any]:
        return {"url": make_url(self._url).render_as_string(hide_password=True)}


class _StoreTableDataset(EvaluationStoreDataset):
    """One of the store's tables."""

    _kind: type[Evaluation | PrecomputedTargets] = Evaluation

    def preview(self, nrows: int = 10) -> TablePreview:
        """The last rows, for kedro-viz."""
        return TablePreview(EvaluationStore(self._url).latest(nrows, self._kind).to_dict(orient="split"))


class EvaluationTableDataset(_StoreTableDataset):
    """The store as a table, one row an evaluation.

    Loading gives all of it. Saving appends the rows whose keys are not there yet; it reads these keys and no others. A
    node that has appended its results one by one, as they came, saves the same rows again without effect.
    """

    def load(self) -> pd.DataFrame:
        return EvaluationStore(self._url).table()

    def save(self, data: pd.DataFrame) -> None:
        store = EvaluationStore(self._url)
        there = store.find(data["key"])
        for evaluation in records_of(data, Evaluation):
            if evaluation.key not in there:
                store.append(evaluation)


class PrecomputedTargetsTableDataset(_StoreTableDataset):
    """Precomputed teacher targets and what they cost, one row a block."""

    _kind = PrecomputedTargets

    def load(self) -> pd.DataFrame:
        return EvaluationStore(self._url).precomputed_targets()
