"""Teachers that were trained before, found by everything that determines them."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from mf_nas_kd.device import autocast_dtype, choose_device, mixed_precision
from mf_nas_kd.files import written_whole
from mf_nas_kd.images import AugmentationSettings, ImageDataset
from mf_nas_kd.networks import TrainedNetwork, teacher_fields
from mf_nas_kd.networks.provenance import warn_of_other_origins
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors
from mf_nas_kd.registry import Options
from mf_nas_kd.seeding import canonical_json, fingerprint
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.claims import Claims
from mf_nas_kd.studies.resolution import RESULTS_VERSION
from mf_nas_kd.training import SpeedUps, TeacherTraining, TrainingHyperParameters, train_teacher

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_READS = 1.0

_MEASURED = "measured"
"""Name of the measurements in the header of a file."""


class TrainedTeachers:
    """Teachers by key: one file each, with weights, description and measurements. Files may be deleted.

    Args:
        folder: Folder of the files.
        store: Store of the study, for the claims of runs that train a teacher at the same time.
    """

    def __init__(self, folder: Path, store: EvaluationStore) -> None:
        self._folder = folder
        self._store = store

    def find_or_train(
        self,
        images: ImageDataset,
        builder: str,
        options: Options,
        hyper_parameters: TrainingHyperParameters,
        epochs: int,
        seed: int,
        device: str,
        augmentation: AugmentationSettings,
        weights: Path | None,
        speed_ups: SpeedUps,
    ) -> TeacherTraining:
        """The teacher that was trained with the same images and settings, or a newly trained one, which is saved.

        Args:
            images: As for :func:`mf_nas_kd.training.train_teacher`, and so on.
            builder: A name in ``networks.TEACHERS``.
            options: Options of the builder.
            hyper_parameters: Hyper-parameters of the teacher's training.
            epochs: Passes over the training images.
            seed: Seed of weights, orders and augmentations.
            device: Name of the device.
            augmentation: Augmentation of the training images.
            weights: A file of initial weights; its content counts, not its name.
            speed_ups: Speed-ups of the training.

        Raises:
            MfNasKdError: As :func:`mf_nas_kd.training.train_teacher`, or if the store cannot take a claim.
        """
        with mixed_precision(speed_ups.mixed_precision):
            precision = str(autocast_dtype(choose_device(device)))
        determined_by = {
            "results_version": RESULTS_VERSION,
            "dataset": images.fingerprint,
            "builder": builder,
            "options": teacher_fields(builder, options),
            "hyper_parameters": hyper_parameters.key_payload,
            "epochs": epochs,
            "seed": seed,
            "augmentation": augmentation.build().cache_key,
            "weights": _content(weights),
            "precision": precision,
        }

        def train() -> TeacherTraining:
            return train_teacher(
                images, builder, options, hyper_parameters, epochs, seed, device, augmentation, weights, speed_ups
            )

        return self._found_or_trained(fingerprint(determined_by, length=32), train, images.fingerprint)

    def _found_or_trained(self, key: str, train: Callable[[], TeacherTraining], dataset: str) -> TeacherTraining:
        path = self._folder / f"{key}.safetensors"
        waited = False
        with Claims(self._store) as claims:
            while (found := self._read(path)) is None:
                if not claims.take([key]):
                    if not waited:
                        logger.info("Waiting for another run of this study, which is training the same teacher")
                    waited = True
                    time.sleep(SECONDS_BETWEEN_READS)
                elif (found := self._read(path)) is None:  # another run may have saved it just before the claim
                    found = train()
                    self._save(path, found)
                    return found
        logger.info("Using the teacher that was trained earlier with the same images and settings: %s", path.name)
        warn_of_other_origins(found.network.description.trained_on, dataset)  # a training says so before it begins
        return found

    def _save(self, path: Path, teacher: TeacherTraining) -> None:
        tensors, header = teacher.network.to_tensors()
        measured = {name: value for name, value in vars(teacher).items() if name != "network"}
        with written_whole(path) as temporary:
            save_file(tensors, temporary, metadata={**header, _MEASURED: canonical_json(measured)})

    def _read(self, path: Path) -> TeacherTraining | None:
        if not path.is_file():
            return None
        try:
            tensors, header = read_tensors(path, LARGEST_NETWORK_BYTES)
            network, measured = TrainedNetwork.from_tensors(tensors, header), header[_MEASURED]
            read: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(measured).items()
            }
            return TeacherTraining(network=network, **read)
        except (OSError, KeyError, TypeError, ValueError) as failure:
            logger.warning("%s is damaged, so the teacher is trained again: %s", path, failure)
            path.unlink(missing_ok=True)
            return None


def _content(file: Path | None) -> str:
    """SHA-256 of a file's content; empty for no file, or one that cannot be read, which the training refuses."""
    if file is None or not file.expanduser().is_file():
        return ""
    with file.expanduser().open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
