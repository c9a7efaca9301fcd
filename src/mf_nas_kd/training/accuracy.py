"""Accuracy of a network."""

from __future__ import annotations

import torch
from torch import nn

from mf_nas_kd.device import autocast
from mf_nas_kd.images import ResidentImages


@torch.no_grad()
def measure_accuracy(network: nn.Module, images: ResidentImages) -> float:
    """Fraction of the images, in [0, 1], whose largest logit is that of their class.

    Args:
        network: Put into evaluation mode for the measurement, and back.
        images: The images, seen with the first row of their augmentation; ``Identity()`` leaves them as they are.
    """
    was_training = network.training
    network.eval()
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    with autocast(images.device):
        for positions in torch.arange(len(images), device=images.device).split(images.largest_batch):
            batch = images.batch(positions, torch.zeros_like(positions))
            correct += (network(batch.images).logits.argmax(dim=1) == batch.labels).sum()
    network.train(was_training)
    return correct.item() / len(images)
