"""The images of a study as an input of its run in MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from mf_nas_kd.images import ImageDataset
from mf_nas_kd.tracking.names import safe_value

LONGEST_NAME, LONGEST_DIGEST = 500, 36  # limits of MLflow


def image_input(images: ImageDataset, source: str, options: Mapping[str, Any]) -> DatasetInput:
    """Describe images as an input: name, fingerprint, source, numbers of images and classes.

    Args:
        images: The images.
        source: Name of their source.
        options: Options of the source, such as its folder.
    """
    parts = {"train": images.train, "validation": images.validation, "test": images.test}
    sizes = {name: len(part.labels) for name, part in parts.items()}
    profile = {
        "num_rows": sum(sizes.values()),
        **{f"{name}_images": size for name, size in sizes.items()},
        "classes": images.classes,
        "class_names": ", ".join(images.class_names),
    }
    pixels = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, *images.image_shape]}}
    labels = {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}
    schema = {"mlflow_tensorspec": {"features": json.dumps([pixels]), "targets": json.dumps([labels])}}
    dataset = Dataset(
        name=safe_value(images.name)[:LONGEST_NAME],
        digest=images.fingerprint[:LONGEST_DIGEST],
        source_type=source,
        source=safe_value(json.dumps({"source": source, **options}, default=str)),
        schema=json.dumps(schema),
        profile=safe_value(json.dumps(profile)),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, "study")])
