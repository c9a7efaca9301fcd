"""Models from which costs are measured before training: the same kernels as of the delivered model."""

import numpy as np
import onnx
import onnxruntime
import pytest

from mf_nas_kd.export.untrained import UntrainedExport
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces.nas_bench_201 import cell_of_operations


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture.of("shufflenet_v2", stem=4, stages=[[8, 1]], head=8),
        Architecture.of("nas_bench_201", stem=4, cells_per_stage=1, cell=cell_of_operations(["none"] * 6)),
    ],
)
def test_a_model_of_initial_weights_is_small_and_runs(architecture):
    exported = UntrainedExport(3, (1, 8, 8))(architecture)
    session = onnxruntime.InferenceSession(exported)
    pixels = np.zeros((1, 1, 8, 8), dtype=np.uint8)
    (logits,) = session.run(["logits"], {each.name: pixels for each in session.get_inputs()})
    assert logits.shape == (1, 3)
    assert "BatchNormalization" not in {node.op_type for node in onnx.load_from_string(exported).graph.node[:4]}
    assert exported == UntrainedExport(3, (1, 8, 8))(architecture), "the same size and latency every time"


def test_edges_without_operation_are_not_in_the_model():
    cell = cell_of_operations(["nor_conv_3x3", "none", "nor_conv_3x3", "none", "none", "nor_conv_3x3"])
    architecture = Architecture.of("nas_bench_201", stem=4, cells_per_stage=1, cell=cell)
    model = onnx.load_from_string(UntrainedExport(3, (1, 8, 8))(architecture))
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Add") == 3, "of the normalisation and of two reduction blocks"
    assert not {"ConstantOfShape", "Expand"} & set(operators)
