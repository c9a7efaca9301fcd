"""The winner, for programs that are not this one."""

from mf_nas_kd.export.onnx import export_onnx

__all__ = ["export_onnx"]
