"""Benchmarks in the catalog: each is loaded as a tuple of tables."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from sqlalchemy.engine import make_url

from mf_nas_kd.benchmarks import BenchmarkTable
from mf_nas_kd.benchmarks.files import without_password
from mf_nas_kd.benchmarks.nas_bench_201 import read_nas_bench_201
from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.benchmarks.shipped import read_shipped
from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.tables import completed
from mf_nas_kd.store import EvaluationStore

logger = logging.getLogger(__name__)

Tables = tuple[BenchmarkTable, ...]


class BenchmarkDataset(AbstractDataset[NoReturn, Tables]):
    """Base of the benchmarks, whose tables are loaded and never saved."""

    def save(self, data: NoReturn) -> None:
        raise DatasetError("a benchmark is only read")


class PublishedBenchmarkDataset(BenchmarkDataset):
    """The published benchmark, see :func:`mf_nas_kd.benchmarks.published.read_published`.

    Args:
        folder: Folder of its files, local or a URL of fsspec; None if it is not configured.
        metadata: Metadata for kedro-viz.
    """

    def __init__(self, *, folder: str | None, metadata: dict[str, Any] | None = None) -> None:
        self._folder = folder
        self.metadata = metadata

    def load(self) -> Tables:
        if not self._folder:
            raise DatasetError("the published benchmark has no folder: give --params=published_dir=DIR")
        return read_published(self._folder)

    def _describe(self) -> dict[str, Any]:
        return {"folder": self._folder and without_password(self._folder)}


class NASBench201Dataset(BenchmarkDataset):
    """NAS-Bench-201, see :func:`mf_nas_kd.benchmarks.nas_bench_201.read_nas_bench_201`.

    Args:
        filepath: Path of its CSV file, local or a URL of fsspec; None if it is not configured.
        metadata: Metadata for kedro-viz.
    """

    def __init__(self, *, filepath: str | None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Tables:
        if not self._filepath:
            raise DatasetError("the table of NAS-Bench-201 has no file: give --params=nas_bench_201_csv=FILE")
        return read_nas_bench_201(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath and without_password(self._filepath)}


class StudyBenchmarkDataset(BenchmarkDataset):
    """A finished study of this project, see :func:`mf_nas_kd.benchmarks.study.study_table`.

    Args:
        plan: File of the study's plan.
        candidates: File of the study's candidates.
        url: SQLAlchemy URL of the store.
        proxies: File of the candidates' zero-cost proxies, which may be missing; None for none.
        shipped: Whether the study that ships with the project takes its place as long as it has not been run, see
            :func:`mf_nas_kd.benchmarks.shipped.read_shipped`.
        metadata: Metadata for kedro-viz.
    """

    def __init__(
        self,
        *,
        plan: str,
        candidates: str,
        url: str,
        proxies: str | None = None,
        shipped: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._plan = Path(plan)
        self._candidates = Path(candidates)
        self._proxies = None if proxies is None else Path(proxies)
        self._url = url
        self._shipped = shipped
        self.metadata = metadata

    def load(self) -> Tables:
        for path in (self._plan, self._candidates):
            if not path.is_file() and self._shipped:
                logger.info("There is no %s, so the benchmark is the study that ships with the project", path)
                return (read_shipped(),)
            if not path.is_file():
                raise DatasetError(f"{path} is not there: run the evaluation pipeline first: kedro run")
        plan, candidates = completed(pd.read_parquet(self._plan), Fidelity), pd.read_parquet(self._candidates)
        if self._proxies is not None and self._proxies.is_file():
            candidates = candidates.merge(pd.read_parquet(self._proxies), on="architecture_id", how="left")
        return (study_table(plan, EvaluationStore(self._url).table(plan["key"]), candidates),)

    def _describe(self) -> dict[str, Any]:
        url = make_url(self._url).render_as_string(hide_password=True)
        files = {"plan": self._plan, "candidates": self._candidates, "proxies": self._proxies}
        return {**files, "url": url, "shipped": self._shipped}
