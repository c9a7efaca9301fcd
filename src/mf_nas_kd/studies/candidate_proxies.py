"""Zero-cost proxies of the candidates of a study, as a table; what was computed before is read from files."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from mf_nas_kd.files import require_file, written_whole
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import CostCounter, TrainedNetwork
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.proxies import AGGREGATED, PROXIES, WORST, ProxyScorer, ProxySettings, Score
from mf_nas_kd.proxies.az_nas import COMPONENTS, rank_aggregation
from mf_nas_kd.records import Architecture
from mf_nas_kd.workers import ExecutorSettings, open_executor

logger = logging.getLogger(__name__)

WORTH_WORKERS_SECONDS = 30.0
"""Expected time from which it pays to start workers: each imports torch first, which takes some seconds."""

LARGEST_FILE_BYTES = 2**20

Work = tuple[Architecture, tuple[str, ...]]
"""An architecture, and the proxies that are to be computed of it."""


def proxies_of(
    architectures: Sequence[Architecture],
    images: ImageDataset,
    teacher: TrainedNetwork | None,
    settings: ProxySettings,
    folder: Path | None = None,
    device: str = "auto",
    executor: ExecutorSettings | None = None,
) -> pd.DataFrame:
    """Zero-cost proxies of architectures on the images of a study.

    Args:
        architectures: Architectures of one space, all different.
        images: The images of the study.
        teacher: The teacher; None if no proxy needs it.
        settings: Which proxies, and from what.
        folder: Folder of what was computed before, one file an architecture; None to compute all.
        device: ``training.device``.
        executor: Workers for what takes long; None to compute here.

    Returns:
        One row an architecture, in their order: ``architecture_id``, a column for each proxy, and the seconds that each
        took in ``<proxy>_seconds``. Proxies that are not defined for the space are left out. ``az_nas`` depends on all
        of the architectures.

    Raises:
        InvalidValueError: If a proxy needs a teacher, and there is none.
    """
    started = time.perf_counter()
    scorer, known = ProxyScorer(images, teacher, settings, device), KnownScores(folder)
    names = [name for name in settings.names if name in PROXIES]
    found = {each.id: known.read(each, scorer, names) for each in architectures}
    work = [(each, tuple(name for name in names if name not in found[each.id])) for each in architectures]
    missing = [each for each in work if each[1]]
    for architecture, scores in _computed(missing, scorer, executor):
        found[architecture.id] |= scores
        known.add(architecture, scorer, scores)
    if names and architectures:
        seconds = time.perf_counter() - started
        logger.info("Zero-cost proxies of %d of %d networks: %.1f s", len(missing), len(architectures), seconds)
    table = _table(architectures, found, names)
    return _with_aggregate(table, architectures, images) if AGGREGATED in settings.names and len(table) else table


class KnownScores:
    """Scores that were computed before: a file for each architecture, which may be deleted.

    Args:
        folder: Folder of the files; None to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, architecture: Architecture, scorer: ProxyScorer, names: Iterable[str]) -> dict[str, Score]:
        """The scores of an architecture that are known, by the names of the proxies."""
        kept = self._read(architecture)
        keys = {name: scorer.key(architecture, name) for name in names}
        return {name: Score(*kept[key]) for name, key in keys.items() if key in kept}

    def add(self, architecture: Architecture, scorer: ProxyScorer, scores: dict[str, Score]) -> None:
        """Keep the scores of an architecture beside those that are kept already."""
        if self._folder is None:
            return
        added = {scorer.key(architecture, name): (each.value, each.seconds) for name, each in scores.items()}
        with written_whole(self._path(self._folder, architecture)) as path:
            path.write_text(json.dumps(self._read(architecture) | added), encoding="utf-8")

    def _read(self, architecture: Architecture) -> dict[str, tuple[float, float]]:
        if self._folder is None:
            return {}
        path = self._path(self._folder, architecture)
        try:
            require_file(path, LARGEST_FILE_BYTES)
            kept = json.loads(path.read_text(encoding="utf-8"))
            return {str(key): (float(value), float(seconds)) for key, (value, seconds) in kept.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as failure:
            logger.warning("%s is damaged, and its proxies are computed again: %s", path, failure)
            return {}

    @staticmethod
    def _path(folder: Path, architecture: Architecture) -> Path:
        return folder / f"{architecture.id}.json"


def _computed(
    missing: Sequence[Work], scorer: ProxyScorer, executor: ExecutorSettings | None
) -> Iterator[tuple[Architecture, dict[str, Score]]]:
    """Scores of each architecture: the first ones here, the others by workers if that is worth their start."""
    with progress_bar("zero-cost proxies", len(missing), shown=bool(missing), delay_seconds=2.0) as bar:
        started = time.perf_counter()
        for done, (architecture, names) in enumerate(missing):
            expected = (time.perf_counter() - started) / max(1, done)
            if executor is not None and done and expected * (len(missing) - done) > WORTH_WORKERS_SECONDS:
                for found in _by_workers(missing[done:], scorer, executor, expected):
                    yield found
                    bar.update(1)
                return
            yield architecture, scorer.scores(architecture, names)
            bar.update(1)


def _by_workers(
    missing: Sequence[Work], scorer: ProxyScorer, executor: ExecutorSettings, expected_seconds: float
) -> Iterator[tuple[Architecture, dict[str, Score]]]:
    with open_executor(executor, scorer) as workers:
        tasks = ((architecture, (architecture, names)) for architecture, names in missing)
        for architecture, future in workers.stream(_scores, tasks, lambda _: expected_seconds):
            yield architecture, future.result()


def _scores(scorer: ProxyScorer, work: Work) -> dict[str, Score]:
    """A worker's task."""
    return scorer.scores(*work)


def _table(
    architectures: Sequence[Architecture], found: Mapping[str, Mapping[str, Score]], names: Iterable[str]
) -> pd.DataFrame:
    scores = {name: [found[each.id][name] for each in architectures] for name in names}
    defined = {name: kept for name, kept in scores.items() if not all(math.isnan(each.value) for each in kept)}
    return pd.DataFrame(
        {
            "architecture_id": pd.Series([each.id for each in architectures], dtype=str),
            **{name: [each.value for each in kept] for name, kept in defined.items()},
            **{f"{name}_seconds": [each.seconds for each in kept] for name, kept in defined.items()},
        }
    )


def _with_aggregate(table: pd.DataFrame, architectures: Sequence[Architecture], images: ImageDataset) -> pd.DataFrame:
    """The table with AZ-NAS, whose seconds are those of its components."""
    cost_of = CostCounter(images.classes, images.image_shape)
    macs = [cost_of(each).macs for each in architectures]
    used = [name for name in COMPONENTS if name in table]
    aggregated = rank_aggregation(*(table[name].fillna(WORST) for name in used), macs)
    seconds = table[[f"{name}_seconds" for name in used]].sum(axis=1)
    added = pd.DataFrame({AGGREGATED: aggregated, f"{AGGREGATED}_seconds": seconds}, index=table.index)
    return pd.concat([table, added], axis=1)
