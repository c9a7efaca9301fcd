"""Export of trained networks to formats of other programs, and the folder that the user keeps.

from mf_nas_kd.export.folder import network_folder
from mf_nas_kd.export.onnx import export_onnx
from mf_nas_kd.export.untrained import float32_costs

__all__ = ["export_onnx", "float32_costs", "network_folder"]
