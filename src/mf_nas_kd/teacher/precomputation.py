"""Precomputation of teacher targets: how missing ones are grouped into requests, and how a request is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.images import PairIndex, ResidentImages
from mf_nas_kd.teacher.online import teacher_targets_of
from mf_nas_kd.teacher.specification import TargetRequest, TargetSpec
from mf_nas_kd.teacher.target_file import TargetFile

PAIRS_A_REQUEST = 2048
BYTES_A_REQUEST = 16 * 2**20  # of the targets, which are sent to the driver

Missing = tuple[TargetFile, TargetSpec, NDArray[np.int64]]
"""A file, the specification of its targets, and the pairs that it lacks."""


def target_requests(missing: Sequence[Missing]) -> Iterator[tuple[TargetRequest, list[TargetFile]]]:
    """Group missing targets into requests: one forward pass of an image serves all files that lack it.

    Args:
        missing: Files, each once, with the pairs that they lack.

    Yields:
        Requests of limited size whose pairs are lacking in the same files, and these files.
    """
    if not missing:
        return
    everything = np.unique(np.concatenate([pairs for *_, pairs in missing]))
    lacks = np.stack([np.isin(everything, pairs) for *_, pairs in missing], axis=1)  # (pairs, files)
    for combination in np.unique(lacks, axis=0):
        chosen = everything[(lacks == combination).all(axis=1)]
        files = [(file, spec) for (file, spec, _), lacked in zip(missing, combination, strict=True) if lacked]
        size = min(PAIRS_A_REQUEST, max(1, BYTES_A_REQUEST // sum(file.record_bytes for file, _ in files)))
        for start in range(0, len(chosen), size):
            request = TargetRequest(chosen[start : start + size], tuple(spec for _, spec in files))
            yield request, [file for file, _ in files]


def compute_targets(
    teacher: nn.Module,
    losses: Sequence[DistillationLoss],
    images: ResidentImages,
    positions: Tensor,
    augmentations: Tensor,
) -> tuple[NDArray[np.float16], ...]:
    """Compute teacher targets of pairs of image and augmentation.

    All batches have the same size, so that the targets of a pair do not depend on the other pairs of its request.

    Args:
        teacher: A network in evaluation mode, on the device of the images.
        losses: Losses, each of which declares its targets.
        images: Images at the teacher's size.
        positions: ``(n,)``, int64, positions of the pairs within the images.
        augmentations: ``(n,)``, int64, rows of the augmentation's table.

    Returns:
        One array a loss, ``(n, ...)``.
    """
    size = images.largest_batch
    batches = []
    for rows in torch.arange(len(positions)).split(size):
        filled = rows.new_full((size,), int(rows[0]))
        filled[: len(rows)] = rows
        batch = images.batch(positions[filled].to(images.device), augmentations[filled].to(images.device))
        targets = teacher_targets_of(teacher, losses, batch.teacher_images)
        batches.append([target[: len(rows)].cpu() for target in targets])
    return tuple(torch.cat(parts).numpy() for parts in zip(*batches, strict=True))


def used_images(index: PairIndex, pairs: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
    """Images that occur in pairs, so that only these are brought to the device.

    Args:
        index: Encoding of the pairs.
        pairs: ``(n,)``, int64.

    Returns:
        Positions of the images, ascending, ``(m,)``; for each pair the index in these, ``(n,)``; and its row of the
        augmentation's table, ``(n,)``.
    """
    positions, augmentations = index.decode(torch.from_numpy(pairs))
    images, within = positions.unique(return_inverse=True)
    return images, within, augmentations
