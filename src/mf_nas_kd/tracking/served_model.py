"""The model that MLflow loads and serves: image files in, class and probability out.

MLflow copies this file beside the ONNX model and runs it wherever the model is loaded. So it needs MLflow, onnxruntime,
NumPy and Pillow, and nothing of this project.
"""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
from PIL import Image, ImageOps


class ImageClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow's class has no types
    """Classifies image files with a deployed ONNX model: input ``images`` ``(B, H, W, C)``, output ``probabilities``.

    The ONNX model is the artifact ``model``; its metadata has ``class_names`` and ``image_shape`` as JSON.
    """

    def load_context(self, context: Any) -> None:
        """Open the ONNX model."""
        self._session = onnxruntime.InferenceSession(context.artifacts["model"], providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._class_names: list[str] = json.loads(metadata["class_names"])
        self._channels: int = json.loads(metadata["image_shape"])[0]

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classify images.

        Args:
            context: Not used.
            model_input: Column ``image``: contents of files of any format that Pillow reads; as bytes, or in base64.
            params: Not used.

        Returns:
            One row an image: ``class``, the name of the most probable class, and its ``probability``.
        """
        rows = []
        for content in model_input["image"]:
            (probabilities,) = self._session.run(["probabilities"], {"images": pixels(content, self._channels)[None]})
            label = int(probabilities[0].argmax())
            rows.append({"class": self._class_names[label], "probability": float(probabilities[0, label])})
        return pd.DataFrame(rows, columns=["class", "probability"])


def pixels(content: bytes | str, channels: int) -> np.ndarray:
    """Pixels ``(H, W, C)``, uint8, of an image file, upright by its EXIF data."""
    encoded = base64.b64decode(content) if isinstance(content, str) else content
    image: Image.Image = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return array.reshape(*array.shape[:2], channels)


mlflow.models.set_model(ImageClassifier())
