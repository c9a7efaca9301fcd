"""Accuracy of a network."""

from __future__ import annotations

import torch
from torch import nn

from mf_nas_kd.device import autocast
from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.images import ResidentImages


@torch.no_grad()
def measure_accuracy(network: nn.Module, images: ResidentImages) -> float:
    """Fraction of the images, in [0, 1], whose largest logit is that of their class.

    Args:
        network: Put into evaluation mode for the measurement, and back.
        images: The images, seen with the first row of their augmentation; ``Identity()`` leaves them as they are.

    Raises:
        TrainingFailedError: If a logit is infinite or not-a-number, as after a training that diverged.
    """
    was_training = network.training
    network.eval()
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    wrong = torch.zeros_like(correct)
    with autocast(images.device):
        for positions in torch.arange(len(images), device=images.device).split(images.largest_batch):
            batch = images.batch(positions, torch.zeros_like(positions))
            logits = network(batch.images).logits
            correct += (logits.argmax(dim=1) == batch.labels).sum()
            wrong += (~logits.isfinite()).any(dim=1).sum()
    network.train(was_training)
    right, not_finite = torch.stack((correct, wrong)).tolist()  # the device is waited for once
    if not_finite:
        raise TrainingFailedError(f"the logits of {not_finite} of {len(images)} images are not finite")
    return float(right) / len(images)
