"""int8 classifies as float32 does, in a smaller file; what loses too much stays in float."""

import numpy as np
import onnx
import pytest

from mf_nas_kd.export.graph import slimmed
from mf_nas_kd.export.packing import packed
from mf_nas_kd.export.quantisation import layer_errors, layer_names, quantise, quantise_within
from mf_nas_kd.export.runtime import logits_of
from tests.export.conftest import INT8


def weights_of(model):
    return [each for each in model.graph.initializer if each.data_type == onnx.TensorProto.INT8 and len(each.dims) > 1]


def test_int8_classifies_as_float32_does(graph, quantised, digits):
    images = digits.test.images.numpy()
    exact, found = (logits_of(model, images) for model in (graph, quantised))
    assert (exact.argmax(axis=1) == found.argmax(axis=1)).mean() > 0.97
    assert 0 < np.abs(exact - found).max() < 0.2 * np.abs(exact).max()
    assert len(weights_of(quantised)) == len(layer_names(graph))


def test_weights_have_a_scale_for_each_channel_in_half_precision(quantised):
    tensors = {each.name: onnx.numpy_helper.to_array(each) for each in quantised.graph.initializer}
    weights = {each.name for each in weights_of(quantised)}
    scales = [
        tensors[n.input[1]] for n in quantised.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in weights
    ]
    assert len(scales) == len(weights)
    assert all(scale.ndim == 1 and len(scale) > 1 for scale in scales)
    assert all(np.array_equal(scale, np.float32(np.float16(scale))) for scale in scales)


def test_a_packed_graph_computes_the_same_in_fewer_bytes(quantised, digits):
    small, images = slimmed(packed(quantised)), digits.test.images[:100].numpy()
    assert np.array_equal(logits_of(small, images), logits_of(quantised, images))
    assert small.ByteSize() < 0.8 * slimmed(quantised).ByteSize()
    assert {node.domain for node in small.graph.node if node.op_type == "Conv"} == {"q"}
    onnx.checker.check_model(small, full_check=True)


def test_the_first_and_the_last_layer_may_stay_in_float(graph, digits):
    calibration, options = digits.train.images[:32].numpy(), INT8.model_copy(update={"first_and_last_in_float": True})
    found = quantise_within(graph, calibration, calibration, lambda _: 1.0, options, 0.0)
    names = layer_names(graph)
    assert found.float_layers == (names[0], names[-1])
    assert len(weights_of(found.model)) == len(names) - 2


def test_where_too_much_is_lost_the_most_sensitive_layer_stays_in_float(graph, digits):
    """A layer whose channels have one huge weight each loses what its other weights say."""
    broken = onnx.ModelProto()
    broken.CopyFrom(graph)
    layer = layer_names(broken)[2]
    (node,) = (node for node in broken.graph.node if node.name == layer)
    (tensor,) = (each for each in broken.graph.initializer if each.name == node.input[1])
    weights = onnx.numpy_helper.to_array(tensor).copy()
    tensor.CopyFrom(onnx.numpy_helper.from_array(weights * 1e-3, tensor.name))
    values = onnx.numpy_helper.to_array(tensor).copy()
    values.reshape(len(values), -1)[:, 0] += 1
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    images = digits.validation.images.numpy()
    exact = logits_of(broken, images).argmax(axis=1)

    def score(logits):
        return float((logits.argmax(axis=1) == exact).mean())

    calibration = digits.train.images[:64].numpy()
    lost = 1 - score(logits_of(quantise(broken, calibration, INT8, []), images))
    assert lost > 0.02
    found = quantise_within(broken, calibration, images, score, INT8, lost / 2)
    errors = layer_errors(broken, calibration, INT8)
    assert max(errors, key=lambda name: errors[name]) in found.float_layers
    assert layer in found.float_layers, errors
    assert len(found.float_layers) < len(errors)
    assert 1 - score(logits_of(found.model, images)) <= lost / 2


@pytest.mark.parametrize("calibration", ["percentile", "entropy"])
def test_ranges_may_be_chosen_otherwise(graph, digits, calibration, capsys):
    images = digits.train.images[:64].numpy()
    model = quantise(graph, images, INT8.model_copy(update={"calibration": calibration}), [])
    assert (logits_of(model, images).argmax(axis=1) == logits_of(graph, images).argmax(axis=1)).mean() > 0.9
    assert capsys.readouterr().out == "", "onnxruntime prints what it does"
