"""The folder that the user keeps: the network, how good it is, what it gets wrong, and how to use it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pandas as pd
from safetensors.torch import save

from mf_nas_kd.errors import printable
from mf_nas_kd.export.card import model_card
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import METRICS, Metrics
from mf_nas_kd.records.fields import column_names, storable
from mf_nas_kd.statistics import errors_of_classes

FROM_WINNER = (
    "metric",
    *column_names(Metrics),
    *(f"{name}_mean" for name in column_names(Metrics)),
    *(f"{metric.test}_{end}" for metric in METRICS.values() for end in ("low", "high")),
    *("seed", "seeds", "epochs", "distillation", "macs", "params", "architecture_id", "space"),
    *("dataset", "model_fingerprint", "indistinguishable", "cheapest_indistinguishable", "best_reference"),
    *("teacher_worth", "warnings"),
)
"""What ``metrics.json`` takes from ``winner``."""


def network_folder(
    trained: TrainedNetwork,
    onnx_model: bytes,
    int8_model: bytes,
    images: ImageDataset,
    winner: Mapping[str, Any],
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    curve: pd.DataFrame,
    worst: pd.DataFrame,
    worst_picture: bytes,
    level: float,
    device_table: pd.DataFrame,
    device_sentences: Sequence[str],
) -> dict[str, bytes]:
    """Contents of the files of the user's folder, by their names.

    Args:
        trained: The network.
        onnx_model: The same network as a deployed model, see :func:`mf_nas_kd.export.preprocessing.deployed_model`.
        int8_model: The same in int8.
        images: The images.
        winner: ``winner``.
        references: ``references``.
        predictions: ``winner_predictions``.
        curve: ``winner_curve``.
        worst: The surest wrong predictions, see ``statistics.worst_predictions``.
        worst_picture: PNG file of these images.
        level: Nominal coverage of the intervals, in (0, 1).
        device_table: What the network costs on a device, as texts, see :func:`mf_nas_kd.export.card.model_card`.
        device_sentences: What there is to say of it.

    Returns:
        ``model.safetensors, model.onnx, model_int8.onnx, classes.json, preprocessing.json, metrics.json,
        confusion_matrix.csv, per_class_accuracy.csv, learning_curve.csv, worst_images.csv, worst_images.png,
        predict.py, README.md``; texts in UTF-8.
    """
    confusion, per_class = errors_of_classes(predictions, images.class_names, level)
    tensors, header = trained.to_tensors()
    card = model_card(images, trained, winner, references, len(predictions), level, device_table, device_sentences)
    return {
        "model.safetensors": save(tensors, metadata=header),
        "model.onnx": onnx_model,
        "model_int8.onnx": int8_model,
        "classes.json": _json(list(images.class_names)),
        "preprocessing.json": _json(_preprocessing(trained)),
        "metrics.json": _json(_metrics(winner, references, len(predictions), level)),
        "confusion_matrix.csv": _csv(confusion, index=True),
        "per_class_accuracy.csv": _csv(per_class),
        "learning_curve.csv": _csv(curve),
        "worst_images.csv": _csv(_with_names(worst, confusion.columns, images.test.names)),
        "worst_images.png": worst_picture,
        "predict.py": resources.files("mf_nas_kd.export").joinpath("predict_script.py").read_bytes(),
        "README.md": storable(card).encode(),
    }


def _preprocessing(trained: TrainedNetwork) -> dict[str, Any]:
    description = trained.description
    return {
        "input": "images (B, H, W, C) of any height and width, uint8; channels in the order red, green, blue",
        "image_shape": description.image_shape,
        "pixel_mean": description.pixel_mean,
        "pixel_std": description.pixel_std,
        "normalisation": "(image / 255 - pixel_mean) / pixel_std for each channel",
        "resizing_and_normalisation_are_in_onnx_model": True,
        "resizing": "upright by EXIF; scaled (bilinear) until the shorter side fits; cropped at the centre",
    }


def _metrics(winner: Mapping[str, Any], references: pd.DataFrame, test_images: int, level: float) -> dict[str, Any]:
    compared = references[references["role"] != "winner"].to_dict(orient="records")
    own = {name: winner[name] for name in FROM_WINNER}
    return {**own, "interval_level": level, "test_images": test_images, "compared_with": compared}


def _with_names(worst: pd.DataFrame, names: pd.Index, files: Sequence[str]) -> pd.DataFrame:
    """The rows with the names of image and classes; ``image`` is the position among the test images, from 0."""
    true, taken = (names[worst[column].to_numpy(dtype=int)] for column in ("label", "predicted"))
    named = [printable(files[position]) for position in worst["image"]]
    return worst.assign(file=named, class_name=true, predicted_class_name=taken)


def _json(value: Any) -> bytes:
    return json.dumps(_plain(value), indent=2, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """The value with what JSON has: numbers of NumPy become Python's, those that are not finite null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(table: pd.DataFrame, index: bool = False) -> bytes:
    return storable(table.to_csv(index=index, lineterminator="\n")).encode()
