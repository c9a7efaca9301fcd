"""How many images a network names rightly."""

from __future__ import annotations

import torch
from torch import nn

from mf_nas_kd.device import autocast
from mf_nas_kd.images import ResidentImages

PIXELS_OF_AN_IMAGE = 32 * 32  # larger images come in smaller batches, so that memory stays the same
IMAGES_A_BATCH = {"cpu": 64}  # a core's caches hold more of them: 1.2 to 1.8 times as fast as 1024
IMAGES_A_BATCH_ELSEWHERE = 1024


def largest_batch(images: ResidentImages) -> int:
    """How many images to look at at once where nothing is learned: a function of device and image size."""
    most = IMAGES_A_BATCH.get(images.device.type, IMAGES_A_BATCH_ELSEWHERE)
    return max(1, min(most, most * PIXELS_OF_AN_IMAGE // images.pixels_an_image))


@torch.no_grad()
def measure_accuracy(network: nn.Module, images: ResidentImages) -> float:
    """Share of the images, in [0, 1], whose largest logit is that of their class.

    Args:
        network: Put into evaluation mode for the measurement, and back.
        images: Seen in their first view; build them with ``Views.centre()`` for the plain images.
    """
    was_training = network.training
    network.eval()
    batch_size = largest_batch(images)
    right = torch.zeros((), dtype=torch.int64, device=images.device)
    with autocast(images.device):
        for positions in torch.arange(len(images), device=images.device).split(batch_size):
            batch = images.batch(positions, torch.zeros_like(positions))
            right += (network(batch.images).logits.argmax(dim=1) == batch.labels).sum()
    network.train(was_training)
    return right.item() / len(images)
