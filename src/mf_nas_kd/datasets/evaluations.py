"""The evaluation store in the catalog: as the store itself, and as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview
from sqlalchemy.engine import make_url

from mf_nas_kd.datasets.previews import evaluations_preview
from mf_nas_kd.records import DeviceCosts, Evaluation, PrecomputedTargets
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.store import EvaluationStore

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class _StoreDataset(AbstractDataset[Saved, Loaded]):
    """Base of the datasets of an evaluation store.

    Args:
        url: An SQLAlchemy URL.
        metadata: Metadata for kedro-viz.
    """

    def __init__(self, *, url: str, metadata: dict[str, Any] | None = None) -> None:
        self._url = url
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"url": make_url(self._url).render_as_string(hide_password=True)}


class EvaluationStoreDataset(_StoreDataset[NoReturn, EvaluationStore]):
    """The store itself, for nodes that append to it while they work.

    Args:
        url: An SQLAlchemy URL.
        metadata: Metadata for kedro-viz.
    """

    def load(self) -> EvaluationStore:
        return EvaluationStore(self._url)

    def save(self, data: NoReturn) -> None:
        raise DatasetError("an evaluation store is not saved as a whole: append to what load() returns")

    def preview(self, nrows: int = 10) -> TablePreview:
        """The last evaluations, for kedro-viz."""
        return evaluations_preview(EvaluationStore(self._url).latest(nrows))


class EvaluationTableDataset(_StoreDataset[pd.DataFrame, pd.DataFrame]):
    """The evaluations of the store as a table, one row an evaluation.

    Loading returns all of them. Saving appends the rows whose keys are not in the store yet, and reads no other rows. A
    node that has appended its results one by one saves the same rows again without effect.

    Args:
        url: An SQLAlchemy URL.
        metadata: Metadata for kedro-viz.
    """

    def load(self) -> pd.DataFrame:
        return EvaluationStore(self._url).table()

    def save(self, data: pd.DataFrame) -> None:
        store = EvaluationStore(self._url)
        new = data[~data["key"].isin(store.known(data["key"]))]
        for evaluation in records_of(new, Evaluation):
            store.append(evaluation)

    def preview(self, nrows: int = 10) -> TablePreview:
        """The last evaluations, for kedro-viz."""
        return evaluations_preview(EvaluationStore(self._url).latest(nrows))


class PlannedEvaluationsDataset(EvaluationTableDataset):
    """Those evaluations of the store that belong to a plan, as a table; no other rows are read.

    Args:
        url: An SQLAlchemy URL.
        plan: The plan, a Parquet file with a column ``key``.
        metadata: Metadata for kedro-viz.
    """

    def __init__(self, *, url: str, plan: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(url=url, metadata=metadata)
        self._plan = Path(plan)

    def load(self) -> pd.DataFrame:
        if not self._plan.is_file():
            raise DatasetError(f"{self._plan} is not there: run the evaluation pipeline first: kedro run")
        return EvaluationStore(self._url).table(pd.read_parquet(self._plan, columns=["key"])["key"])

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "plan": self._plan}


class PrecomputedTargetsTableDataset(_StoreDataset[NoReturn, pd.DataFrame]):
    """Precomputed teacher targets and their cost as a table, one row a block.

    Args:
        url: An SQLAlchemy URL.
        metadata: Metadata for kedro-viz.
    """

    def load(self) -> pd.DataFrame:
        return EvaluationStore(self._url).precomputed_targets()

    def save(self, data: NoReturn) -> None:
        raise DatasetError("records of precomputed targets are not saved as a table: append them to the store")

    def preview(self, nrows: int = 10) -> TablePreview:
        """The last records, for kedro-viz."""
        return _last_rows(self._url, nrows, PrecomputedTargets)


class DeviceCostsTableDataset(_StoreDataset[NoReturn, pd.DataFrame]):
    """Measured costs of networks on devices as a table, one row a measurement.

    Args:
        url: An SQLAlchemy URL.
        metadata: Metadata for kedro-viz.
    """

    def load(self) -> pd.DataFrame:
        return EvaluationStore(self._url).device_costs()

    def save(self, data: NoReturn) -> None:
        raise DatasetError("costs on devices are not saved as a table: append them to the store")

    def preview(self, nrows: int = 10) -> TablePreview:
        """The last records, for kedro-viz."""
        return _last_rows(self._url, nrows, DeviceCosts)


def _last_rows(url: str, count: int, kind: type[PrecomputedTargets | DeviceCosts]) -> TablePreview:
    return TablePreview(EvaluationStore(url).latest(count, kind).to_dict(orient="split"))
