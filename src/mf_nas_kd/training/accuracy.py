"""Outputs, accuracy and all metrics of a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mf_nas_kd.device import autocast
from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.images import ImageDataset, ResidentImages
from mf_nas_kd.records import Metrics


def measure_accuracy(network: nn.Module, images: ResidentImages) -> float:
    """Fraction of the images, in [0, 1], whose largest logit is that of their class.

    Args:
        network: As for :func:`compute_logits`.
        images: The images.

    Raises:
        TrainingFailedError: If a logit is infinite or not-a-number, as after a training that diverged.
    """
    return accuracy_of(compute_logits(network, images), images.labels.cpu())


def accuracy_of(logits: Tensor, labels: Tensor) -> float:
    """Fraction of rows of the logits ``(n, K)``, in [0, 1], whose largest value is at the label ``(n,)``."""
    return float((logits.argmax(dim=1) == labels).sum()) / len(labels)


def metrics_of(images: ImageDataset, validation_logits: Tensor, test_logits: Tensor) -> Metrics:
    """All metrics of a network, from its logits ``(n, K)`` and ``(m, K)`` for the validation and test images."""
    parts = ((images.validation, validation_logits), (images.test, test_logits))
    return Metrics.measured(*((part.labels.numpy(), logits.argmax(dim=1).numpy()) for part, logits in parts))


@torch.no_grad()
def compute_logits(network: nn.Module, images: ResidentImages) -> Tensor:
    """Logits ``(n, K)``, float32, on the CPU.

    Args:
        network: Put into evaluation mode for the measurement, and back.
        images: The images, seen with the first row of their augmentation; ``Identity()`` leaves them as they are.

    Raises:
        TrainingFailedError: If a logit is infinite or not-a-number, as after a training that diverged.
    """
    was_training = network.training
    network.eval()
    with autocast(images.device):
        batches = [
            network(images.batch(positions, torch.zeros_like(positions)).images).logits
            for positions in torch.arange(len(images), device=images.device).split(images.largest_batch)
        ]
    network.train(was_training)
    logits: Tensor = torch.cat(batches).float().cpu()  # the device is waited for once
    not_finite = int((~logits.isfinite()).any(dim=1).sum())
    if not_finite:
        raise TrainingFailedError(f"the logits of {not_finite} of {len(images)} images are not finite")
    return logits
