"""Export of trained networks to formats of other programs."""

from mf_nas_kd.export.onnx import export_onnx

__all__ = ["export_onnx"]
