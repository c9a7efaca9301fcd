"""Cache of teacher targets in files: which are there, which are missing, and looking them up.

One process (the driver) has missing targets computed and appends them; all others map the files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mf_nas_kd.images import PairIndex
from mf_nas_kd.teacher.precomputation import Missing
from mf_nas_kd.teacher.specification import TargetBatch, TargetRequest, TargetSpec
from mf_nas_kd.teacher.target_file import HEADER_BYTES, SUFFIX, TargetFile
from mf_nas_kd.teacher.targets import CachedTargets

logger = logging.getLogger(__name__)

GIBIBYTE = 2**30


@dataclass(frozen=True)
class _Checked:
    """What this process has checked of a file.

    Attributes:
        version: Inode number of the file; another file of this name has another.
        count: Number of records that were checked.
        pairs: Pairs of the intact records, ascending.
        records: Index of the record of each of these pairs.
    """

    version: int
    count: int
    pairs: NDArray[np.int64]
    records: NDArray[np.int64]


class TargetCache:
    """Files of teacher targets in one folder.

    Args:
        folder: Folder of the files; kept between runs.
        limit_gib: Largest size of all files that a run uses, in GiB. Targets beyond it are not cached.
        belongs_to: Everything that determines all targets beside their kind: teacher, images, augmentation, precision.
    """

    def __init__(self, folder: Path, limit_gib: float, belongs_to: Mapping[str, Any]) -> None:
        self._folder = folder
        self._limit = limit_gib * GIBIBYTE
        self._belongs_to = dict(belongs_to)
        self._cached: dict[Path, NDArray[np.int64]] = {}  # pairs in each file, as read by this process
        self._refused: set[Path] = set()
        self._other_files_logged = False
        self._checked: dict[Path, _Checked] = {}

    def file(self, target_key: str, shape: tuple[int, ...]) -> TargetFile:
        """The file for targets of one kind and shape, whether it exists or not."""
        # The header's word is that of the first version: files of targets are found under a hash of it.
        return TargetFile(self._folder, {**self._belongs_to, "remembers": target_key}, shape)

    def missing(self, wanted: Sequence[tuple[TargetFile, TargetSpec, NDArray[np.int64]]]) -> list[Missing]:
        """Targets that have to be computed, and for which there is space.

        Args:
            wanted: Files, each once, with the specification of their targets and the pairs that trainings will see.
        """
        lacking = [(file, spec, np.setdiff1d(pairs, self._known(file))) for file, spec, pairs in wanted]
        size = _size(self._cached)
        self._log_other_files()
        missing = []
        for file, spec, pairs in lacking:
            needed = size + len(pairs) * file.record_bytes + (0 if file.path.exists() else HEADER_BYTES)
            if len(pairs) and self._has_space(file, spec, len(pairs), needed):
                missing.append((file, spec, pairs))
                size = needed
        return missing

    def append(self, files: Sequence[TargetFile], request: TargetRequest, batch: TargetBatch) -> None:
        """Keep computed targets, one array for each file."""
        for file, targets in zip(files, batch.targets, strict=True):
            file.append(request.pairs, targets)
            self._cached[file.path] = np.concatenate([self._known(file), request.pairs])

    def check(self, file: TargetFile) -> None:
        """Check the file's new records now; the next look-up would, and it takes seconds where there are many."""
        self._sorted_records(file)

    def look_up(
        self, file: TargetFile, pairs: NDArray[np.int64], subset: Tensor, index: PairIndex, device: torch.device
    ) -> CachedTargets | None:
        """The cached targets of a training; None if one of them is missing.

        Args:
            file: File of the targets.
            pairs: ``(P,)``, int64, pairs that the training will see, with positions among all training images,
                ascending.
            subset: ``(n,)``, int64, positions of the subset among all training images, ascending.
            index: Encoding of the pairs.
            device: Device of the training; on a CPU the targets stay in the mapped file, which all processes share.
        """
        records, known_pairs, record_of = self._sorted_records(file)
        found = np.searchsorted(known_pairs, pairs)
        if len(known_pairs) == 0 or (known_pairs.take(found, mode="clip") != pairs).any():
            return None
        if (records["pair"][record_of[found]] != pairs).any():  # the file was replaced since this process checked it
            return None
        rows, values = torch.from_numpy(record_of[found]), torch.from_numpy(records["target"])
        if device.type != "cpu":
            values, rows = _with_absent(values[rows]).to(device), torch.arange(len(rows))
        position, augmentation = index.decode(torch.from_numpy(pairs))
        within = index.encode(torch.searchsorted(subset, position), augmentation)  # ascending, as both are
        return CachedTargets(values, index, within.to(device), rows.to(device))

    def _known(self, file: TargetFile) -> NDArray[np.int64]:
        """Pairs in a file, which is repaired when this process first needs them."""
        if file.path not in self._cached:
            file.mend()
            self._cached[file.path] = np.array(file.records()["pair"])
        return self._cached[file.path]

    def _log_other_files(self) -> None:
        """Nothing is removed that another study may need again, but its size is logged."""
        if self._other_files_logged:
            return
        others = _size(set(self._folder.glob(f"*{SUFFIX}")) - set(self._cached))
        if others > self._limit:
            logger.info(
                "%.1f GiB of targets in %s are of other teachers, images, augmentations or losses, and not used here. "
                "They may be deleted: they can be computed again",
                others / GIBIBYTE,
                self._folder,
            )
            self._other_files_logged = True

    def _has_space(self, file: TargetFile, spec: TargetSpec, more: int, needed: float) -> bool:
        if needed <= self._limit:
            return True
        if file.path not in self._refused:
            logger.info(
                "%s: targets of %d pairs of image and augmentation would need %.2f GiB with those cached, more than "
                "training.target_cache_gib: the teacher's forward pass is made online, in every step",
                spec.distillation,
                more,
                needed / GIBIBYTE,
            )
            self._refused.add(file.path)
        return False

    def _sorted_records(self, file: TargetFile) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Records, the pairs of the intact ones in ascending order, and the index of the record of each of these.

        Every record is checked once by this process, those that were appended since at the next call.
        """
        records = file.records()
        version = file.path.stat().st_ino if len(records) else 0
        known = self._checked.get(file.path)
        if known is None or known.version != version or known.count > len(records):
            known = _Checked(version, 0, np.empty(0, np.int64), np.empty(0, np.int64))
        if known.count < len(records):
            more = records[known.count :]
            intact = np.flatnonzero(file.are_whole(more))
            pairs = np.concatenate([known.pairs, more["pair"][intact]])
            indices = np.concatenate([known.records, known.count + intact])
            order = np.argsort(pairs, kind="stable")
            known = _Checked(version, len(records), pairs[order], indices[order])
        self._checked[file.path] = known
        return records, known.pairs, known.records


def _with_absent(values: Tensor) -> Tensor:
    """The values with a last record of NaN, to which the index ``ABSENT`` leads."""
    return torch.cat([values, values.new_full((1, *values.shape[1:]), torch.nan)])


def _size(paths: Iterable[Path]) -> float:
    """Size of the files that exist, in bytes."""
    return float(sum(path.stat().st_size for path in paths if path.exists()))
