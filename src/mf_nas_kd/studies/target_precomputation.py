"""Precomputation of the teacher targets of a study: which are missing, a worker's task, and appending them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd import __version__
from mf_nas_kd.device import describe_device, mixed_precision, reproducible
from mf_nas_kd.errors import InvalidValueError, MachineFaultError, TrainingFailedError
from mf_nas_kd.images import PairIndex
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records.evaluation import PrecomputedTargets, now
from mf_nas_kd.studies.resolution import PairSource, ResolvedTraining, seen_pairs
from mf_nas_kd.studies.study_teacher import StudyTeacher
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.teacher import TargetBatch, TargetCache, TargetRequest, TargetSpec
from mf_nas_kd.teacher.precomputation import compute_targets, target_requests, used_images
from mf_nas_kd.teacher.target_file import TargetFile

logger = logging.getLogger(__name__)

Stream = Callable[[Iterable[tuple[int, TargetRequest]]], Iterator[tuple[int, Future[TargetBatch]]]]
"""Has workers compute requests; gives each result back with the number of its request, as it is done."""


class TargetPrecomputation:
    """Has the teacher targets that trainings will need computed once, and appends them to the cache.

    Args:
        context: What all trainings of the study share.
        teacher: The teacher of the study.

    Attributes:
        seconds: Wall time of the workers in :meth:`run`, in seconds, added up.
    """

    def __init__(self, context: TrainingContext, teacher: StudyTeacher) -> None:
        self._context = context
        self._teacher = teacher
        self.seconds = 0.0

    def run(self, trainings: Iterable[ResolvedTraining], stream: Stream) -> Iterator[PrecomputedTargets]:
        """Have the targets computed that these trainings need and that are missing.

        Args:
            trainings: Trainings to come.
            stream: Has workers call :meth:`compute`.

        Yields:
            A record of each computed request, as it is done.
        """
        cache = self._teacher.cache
        if cache is None:
            return
        requests = list(target_requests(cache.missing(self.wanted(trainings, cache))))
        pairs = sum(len(request.pairs) for request, _ in requests)
        with progress_bar("teacher targets", total=pairs, delay_seconds=2.0) as bar:
            for number, future in stream(enumerate(request for request, _ in requests)):
                request, files = requests[number]
                bar.update(len(request.pairs))
                try:
                    batch = future.result()
                    cache.append(files, request, batch)
                except (TrainingFailedError, MachineFaultError, RuntimeError, OSError) as failure:
                    # These trainings compute them online.
                    what = "Targets of %d pairs of image and augmentation are not cached: %s"
                    logger.warning(what, len(request.pairs), failure)
                else:
                    self.seconds += batch.seconds
                    yield self._record(request, batch)

    def compute(self, request: TargetRequest) -> TargetBatch:
        """Compute a request: a worker's task."""
        started = time.perf_counter()
        context, index = self._context, PairIndex(len(self._context.augmentation))
        precision = mixed_precision(context.settings.mixed_precision)
        with reproducible(), precision, torch_seeded(0, "targets"):
            losses = [self._teacher.loss(spec, num_images=2).to(context.device) for spec in request.specs]
            used, positions, augmentations = used_images(index, request.pairs)
            images = context.resident(context.images.train[used], context.augmentation)
            targets = compute_targets(self._teacher.network, losses, images, positions, augmentations)
        return TargetBatch(targets, time.perf_counter() - started)

    def wanted(
        self, trainings: Iterable[ResolvedTraining], cache: TargetCache
    ) -> list[tuple[TargetFile, TargetSpec, NDArray[np.int64]]]:
        """Files in which trainings will look up targets, each once, with its specification and the pairs needed.

        Different losses may need the same file, and hundreds of trainings see the same pairs.
        """
        files: dict[TargetSpec, TargetFile] = {}
        seen: dict[Path, dict[PairSource, None]] = {}
        for training in trainings:
            spec = training.cached_spec
            if spec is None:
                continue
            try:
                files[spec] = self._teacher.file_of(spec, cache)
            except InvalidValueError:  # its trainings will fail with this error, each in its record
                continue
            seen.setdefault(files[spec].path, {})[training.seen] = None
        by_path = {file.path: (file, spec) for spec, file in files.items()}
        unions: dict[tuple[PairSource, ...], NDArray[np.int64]] = {}
        for alike in map(tuple, seen.values()):
            if alike not in unions:
                unions[alike] = np.unique(np.concatenate([seen_pairs(*each) for each in alike]))
        return [(*by_path[path], unions[tuple(alike)]) for path, alike in seen.items()]

    def _record(self, request: TargetRequest, batch: TargetBatch) -> PrecomputedTargets:
        return PrecomputedTargets(
            dataset_fingerprint=self._context.images.fingerprint,
            teacher_fingerprint=self._teacher.trained.fingerprint,
            distillation=", ".join(spec.distillation for spec in request.specs),
            pairs=len(request.pairs),
            seconds=batch.seconds,
            device=describe_device(self._context.device),
            code_version=__version__,
            finished_at=now(),
        )
