"""Forward passes of network graphs and deployed models by onnxruntime, on one CPU."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

PROVIDERS = ["CPUExecutionProvider"]
BATCH = 256  # images of one forward pass


def logits_of(network: onnx.ModelProto, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits ``(N, K)`` of a network graph for images ``(N, C, H, W)``, or of a deployed model for ``(N, H, W, C)``."""
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=PROVIDERS)
    parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    return np.concatenate([session.run(["logits"], {"images": part})[0] for part in parts])
