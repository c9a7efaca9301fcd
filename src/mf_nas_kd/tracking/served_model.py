"""The model that MLflow loads and serves: image files in, class and probability out.

MLflow runs a copy of this file wherever the model is loaded. It needs MLflow, onnxruntime, NumPy and Pillow; what it
imports of this project lies beside the copy (:mod:`mf_nas_kd.tracking.model_files`).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import onnxruntime
import pandas as pd
from mlflow.exceptions import MlflowException

from mf_nas_kd.image_files import Pixels, RefusedFileError, pixels_of_file


class ImageClassifier:
    """Classifies image files with a deployed ONNX model: input ``images`` ``(B, H, W, C)``, output ``probabilities``.

    Args:
        path: The ONNX model; its metadata has ``class_names`` and ``image_shape`` as JSON.
    """

    def __init__(self, path: str) -> None:
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._class_names: list[str] = json.loads(metadata["class_names"])
        self._channels, *self._size = json.loads(metadata["image_shape"])

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classify images.

        Args:
            model_input: Column ``image``: contents of files of any format that Pillow reads; as bytes, or in base64.
            params: Not used.

        Returns:
            One row an image: ``class``, the name of the most probable class, and its ``probability``.

        Raises:
            MlflowException: If one of them is no image, or not within the bounds for image files.
        """
        rows = []
        for position, content in enumerate(model_input["image"]):
            images = self._pixels(content, position)[None]
            (probabilities,) = self._session.run(["probabilities"], {"images": images})
            label = int(probabilities[0].argmax())
            rows.append({"class": self._class_names[label], "probability": float(probabilities[0, label])})
        return pd.DataFrame(rows, columns=["class", "probability"])

    def _pixels(self, content: bytes | str, position: int) -> Pixels:
        try:
            return pixels_of_file(decoded(content), self._channels, (self._size[0], self._size[1]))
        except (RefusedFileError, OSError, ValueError, SyntaxError) as failure:  # Pillow's decoders raise all of them
            message = f"image {position} of the request cannot be read: {failure}"
            raise MlflowException.invalid_parameter_value(message) from failure


def decoded(content: bytes | str) -> bytes:
    r"""The content of a file, which may be encoded in base64. MLflow's server decodes it in some forms of requests.

    >>> decoded("iVBORw0KGgo=") == decoded(b"iVBORw0KGgo=") == decoded(b"\x89PNG\r\n\x1a\n")
    True
    """
    file = content.encode() if isinstance(content, str) else content
    try:
        return base64.b64decode(b"".join(file.split()), validate=True)  # no image file has only characters of base64
    except binascii.Error:
        return file


def _load_pyfunc(path: str) -> ImageClassifier:
    """What MLflow calls to load the model."""
    return ImageClassifier(path)
