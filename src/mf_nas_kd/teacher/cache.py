"""What the teacher said of pairs of image and view: which of it is there, what is missing, and looking it up.

One process (the driver) asks for what is missing and appends; all others map the files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher.target_file import HEADER_BYTES, SUFFIX, TargetFile
from mf_nas_kd.teacher.targets import RememberedTeacherTargets

logger = logging.getLogger(__name__)

PAIRS_A_BLOCK = 2048
BYTES_A_BLOCK = 16 * 2**20  # of an answer, which travels to the driver
GIBIBYTE = 2**30


@dataclass(frozen=True)
class Lesson:
    """One way to look at the teacher.

    Attributes:
        distillation: Name of the recipe whose loss is asked what it remembers.
        student: Shapes of the student's taps: the size at which maps are compared may depend on them.
    """

    distillation: str
    student: TapShapes


@dataclass(frozen=True)
class Question:
    """A worker's task: what several lessons want to know of some pairs.

    Attributes:
        pairs: ``(n,)``, int64: ``position * views + view`` with the position among all training images.
        lessons: One for each form of the targets.
    """

    pairs: NDArray[np.int64]
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        targets: One array a lesson, ``(n, ...)``, half precision.
        seconds: What it took the worker.
    """

    targets: tuple[NDArray[np.float16], ...]
    seconds: float


@dataclass(frozen=True)
class _Checked:
    """What this process knows of a file.

    Attributes:
        version: Number of the file on its disk; another file of this name has another.
        count: Records that were checked.
        pairs: Of the whole ones, ascending.
        rows: Which record each of these is.
    """

    version: int
    count: int
    pairs: NDArray[np.int64]
    rows: NDArray[np.int64]


class TeacherMemory:
    """Files of teacher targets in one folder.

    Args:
        folder: Where; kept between runs.
        limit_gib: Size of all files that a run uses. What would go beyond is not remembered.
        belongs_to: What determines all targets beside their form: teacher, images, views, precision.
    """

    def __init__(self, folder: Path, limit_gib: float, belongs_to: Mapping[str, Any]) -> None:
        self._folder = folder
        self._limit = limit_gib * GIBIBYTE
        self._belongs_to = dict(belongs_to)
        self._remembered: dict[Path, NDArray[np.int64]] = {}  # pairs in each file, as far as this process knows
        self._refused: set[Path] = set()
        self._told = False
        self._checked: dict[Path, _Checked] = {}

    def file(self, remembers: str, shape: tuple[int, ...]) -> TargetFile:
        """Where targets of a form and shape are, whether there are some or not."""
        return TargetFile(self._folder, {**self._belongs_to, "remembers": remembers}, shape)

    def missing(
        self, wanted: Sequence[tuple[TargetFile, Lesson, NDArray[np.int64]]]
    ) -> Iterator[tuple[Question, list[TargetFile]]]:
        """What to ask the teacher, in blocks that want the same forms: one look at an image serves them all.

        Args:
            wanted: Files, each once, with the pairs that trainings are going to need.
        """
        absences = [(file, lesson, np.setdiff1d(pairs, self._known(file))) for file, lesson, pairs in wanted]
        full = _size(self._remembered)
        self._tell_of_other_files()
        lacking = []
        for file, lesson, absent in absences:
            needed = full + len(absent) * file.record_bytes + (0 if file.path.exists() else HEADER_BYTES)
            if len(absent) and self._has_room(file, lesson, len(absent), needed):
                lacking.append((file, lesson, absent))
                full = needed
        if not lacking:
            return
        everything = np.unique(np.concatenate([absent for *_, absent in lacking]))
        lacks = np.stack([np.isin(everything, absent) for *_, absent in lacking], axis=1)  # (pairs, files)
        for combination in np.unique(lacks, axis=0):
            chosen = everything[(lacks == combination).all(axis=1)]
            files = [(file, lesson) for (file, lesson, _), lacked in zip(lacking, combination, strict=True) if lacked]
            size = min(PAIRS_A_BLOCK, max(1, BYTES_A_BLOCK // sum(file.record_bytes for file, _ in files)))
            for start in range(0, len(chosen), size):
                question = Question(chosen[start : start + size], tuple(lesson for _, lesson in files))
                yield question, [file for file, _ in files]

    def append(self, files: Sequence[TargetFile], question: Question, answer: Answer) -> None:
        """Keep an answer."""
        for file, targets in zip(files, answer.targets, strict=True):
            file.append(question.pairs, targets)
            self._remembered[file.path] = np.concatenate([self._known(file), question.pairs])

    def check(self, file: TargetFile) -> None:
        """Do now what the next look-up would do first: it takes seconds where there are many records."""
        self._in_order(file)

    def look_up(
        self, file: TargetFile, seen: NDArray[np.int64], subset: Tensor, views: int, device: torch.device
    ) -> RememberedTeacherTargets | None:
        """The targets of a training; None if one of them is missing.

        Args:
            file: Their form.
            seen: Pairs that the training is going to see, ``position * views + view``.
            subset: ``(images,)``, positions of the subset among all training images, ascending.
            views: Number of views of an image.
            device: Where they are wanted; on a CPU they stay in the mapped file, which all processes share.
        """
        records, pairs, rows_of = self._in_order(file)
        found = np.searchsorted(pairs, seen)
        if len(pairs) == 0 or (pairs.take(found, mode="clip") != seen).any():
            return None
        if (records["pair"][rows_of[found]] != seen).any():  # the file is another one since this process checked it
            return None
        rows, values = torch.from_numpy(rows_of[found]), torch.from_numpy(records["target"])
        if device.type != "cpu":
            values, rows = values[rows].to(device), torch.arange(len(rows))
        position, view = torch.from_numpy(seen // views), torch.from_numpy(seen % views)
        places = torch.full((len(subset), views), -1)
        places[torch.searchsorted(subset, position), view] = rows
        return RememberedTeacherTargets(values, places.to(device))

    def _known(self, file: TargetFile) -> NDArray[np.int64]:
        """Pairs in a file, which is mended when this process first looks."""
        if file.path not in self._remembered:
            file.mend()
            self._remembered[file.path] = np.array(file.records()["pair"])
        return self._remembered[file.path]

    def _tell_of_other_files(self) -> None:
        """Nothing is removed that another study may want again, but somebody should know."""
        if self._told:
            return
        others = _size(set(self._folder.glob(f"*{SUFFIX}")) - set(self._remembered))
        if others > self._limit:
            logger.info(
                "%.1f GiB in %s are of other teachers, images, views or losses, and not used here: remove them if you "
                "like, they can be computed again",
                others / GIBIBYTE,
                self._folder,
            )
            self._told = True

    def _has_room(self, file: TargetFile, lesson: Lesson, more: int, needed: float) -> bool:
        if needed <= self._limit:
            return True
        if file.path not in self._refused:
            logger.info(
                "%s: what the teacher says of %d pairs of image and view would bring its memory to %.2f GiB, more than "
                "training.teacher_memory_gib: it is asked in every step",
                lesson.distillation,
                more,
                needed / GIBIBYTE,
            )
            self._refused.add(file.path)
        return False

    def _in_order(self, file: TargetFile) -> tuple[NDArray, NDArray[np.int64], NDArray[np.int64]]:
        """Records, the pairs of the whole ones in ascending order, and which record each of these is.

        Every record is checked once by this process, those that were appended since when it looks again.
        """
        records = file.records()
        version = file.path.stat().st_ino if len(records) else 0
        known = self._checked.get(file.path)
        if known is None or known.version != version or known.count > len(records):
            known = _Checked(version, 0, np.empty(0, np.int64), np.empty(0, np.int64))
        if known.count < len(records):
            more = records[known.count :]
            whole = np.flatnonzero(file.are_whole(more))
            pairs = np.concatenate([known.pairs, more["pair"][whole]])
            rows = np.concatenate([known.rows, known.count + whole])
            order = np.argsort(pairs, kind="stable")
            known = _Checked(version, len(records), pairs[order], rows[order])
        self._checked[file.path] = known
        return records, known.pairs, known.rows


def _size(paths: Iterable[Path]) -> float:
    """Bytes of those that exist."""
    return float(sum(path.stat().st_size for path in paths if path.exists()))
