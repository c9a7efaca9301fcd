"""Classes of image files by a deployed model; without torch."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from mf_nas_kd.errors import InvalidValueError, printable
from mf_nas_kd.files import require_file
from mf_nas_kd.image_files import RefusedFileError, pixels_of_file

LARGEST_MODEL_BYTES = 2**31
"""Largest file of a deployed model: ONNX files cannot be larger."""

DIGITS = 6  # of a probability


@dataclass(frozen=True)
class Prediction:
    """A class of an image file.

    Attributes:
        file: Path of the file.
        rank: 1 for the most probable class.
        class_name: Name of the class.
        probability: Its probability by the model, in [0, 1]; it is not calibrated.
    """

    file: str
    rank: int
    class_name: str
    probability: float


class Classifier:
    """A deployed model, float32 or int8.

    Args:
        path: Its file.

    Raises:
        InvalidValueError: If the file is no deployed model of this program.
        OSError: If the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        require_file(path, LARGEST_MODEL_BYTES)
        allowed = "a model that this program has exported (model.onnx of the pipeline export)"
        try:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3  # errors only
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            facts = self._session.get_modelmeta().custom_metadata_map
            self._names: list[str] = json.loads(facts["class_names"])
            self._channels, height, width = json.loads(facts["image_shape"])
        except Exception as failure:  # onnxruntime raises errors of many kinds for what is no model
            raise InvalidValueError("model", str(path), allowed) from failure
        self._size = (int(height), int(width))

    def predict(self, path: Path, top: int) -> list[Prediction]:
        """The most probable classes of an image file, the most probable one first.

        Args:
            path: The file; it is opened within the bounds of :mod:`mf_nas_kd.image_files`.
            top: Number of classes, at least 1.

        Raises:
            RefusedFileError: If the file is no image, or is not within the bounds.
            OSError: If it cannot be read.
        """
        pixels = pixels_of_file(path, self._channels, self._size)[None]
        (probabilities,) = self._session.run(["probabilities"], {"images": pixels})
        best = (-probabilities[0]).argsort(kind="stable")[:top]
        return [
            Prediction(str(path), rank, self._names[label], round(float(probabilities[0, label]), DIGITS))
            for rank, label in enumerate(best, start=1)
        ]


def predictions(classifier: Classifier, paths: Iterable[Path], top: int) -> Iterator[list[Prediction] | str]:
    """Predictions for each file, or one line that says why there are none.

    Args:
        classifier: The model.
        paths: The files.
        top: Number of classes of each file.
    """
    for path in paths:
        try:
            yield classifier.predict(path, top)
        except RefusedFileError as failure:
            yield f"{printable(str(path))}: {failure}"
        except Exception as failure:  # Pillow's readers raise errors of many kinds; each becomes a reason
            reason = getattr(failure, "strerror", None) or failure
            yield f"{printable(str(path))}: {reason}"


def as_csv(found: Sequence[Prediction], header: bool) -> str:
    """Predictions as lines of CSV: ``file,rank,class,probability``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(["file", "rank", "class", "probability"])
    writer.writerows([printable(each.file), each.rank, each.class_name, each.probability] for each in found)
    return text.getvalue()


def as_json(found: Sequence[Prediction]) -> str:
    """The predictions of one file as one line of JSON."""
    classes = [{"class": each.class_name, "probability": each.probability} for each in found]
    line: dict[str, Any] = {"file": printable(found[0].file), "predictions": classes}
    return json.dumps(line, ensure_ascii=False) + "\n"
