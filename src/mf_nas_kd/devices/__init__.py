"""What a network costs on a device: latency, peak memory of its activations, size of its weights.

Costs are those of an ONNX model with a batch of one image, in one thread. Nothing here needs torch.
"""

from mf_nas_kd.devices.memory import model_bytes, peak_activation_bytes

__all__ = ["model_bytes", "peak_activation_bytes"]
