"""Outputs of a trained network for the validation and test images, and what it predicts."""

from __future__ import annotations

import pandas as pd
from torch import Tensor

from mf_nas_kd.device import mixed_precision
from mf_nas_kd.images import Identity, ImageDataset, LabelledImages, ResidentImages
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.training import TrainingParameters, choose_device, compute_logits, reproducible


def logits_of(
    network: TrainedNetwork, part: LabelledImages, images: ImageDataset, training: TrainingParameters
) -> Tensor:
    """Logits ``(N, K)`` of a trained network for a part of the images, on the device and in the precision of the study.

    Args:
        network: The network.
        part: The validation or the test images.
        images: The images that it is a part of, by whose statistics pixels are normalised.
        training: Device and precision.
    """
    device = choose_device(training.device)
    with reproducible(), mixed_precision(training.mixed_precision):
        resident = ResidentImages(part, Identity(), images.pixel_statistics, device)
        return compute_logits(rebuild(network).to(device), resident)


def predictions_of(logits: Tensor, labels: Tensor) -> pd.DataFrame:
    """What a network predicts, one row an image, in their order.

    Args:
        logits: ``(N, K)``.
        labels: ``(N,)``, classes of the images.

    Returns:
        ``label``, ``predicted``, ``probability_of_label``, ``probability_of_predicted``.
    """
    probabilities = logits.double().softmax(dim=1)
    highest, predicted = probabilities.max(dim=1)
    return pd.DataFrame(
        {
            "label": labels.numpy(),
            "predicted": predicted.numpy(),
            "probability_of_label": probabilities.gather(1, labels[:, None])[:, 0].numpy(),
            "probability_of_predicted": highest.numpy(),
        }
    )
