"""Peak memory of small graphs, calculated by hand. Maps have 4 channels of 8x8: 256 numbers, 1024 bytes in float32."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mf_nas_kd.devices import model_bytes, peak_activation_bytes
from mf_nas_kd.errors import InvalidValueError

MAP = 4 * 8 * 8 * 4
SHAPE = ["batch", 4, 8, 8]
WEIGHT = numpy_helper.from_array(np.zeros((4, 4, 3, 3), np.float32), "w")


def model(*nodes, output="y", kind=TensorProto.FLOAT, weights=(WEIGHT,), shape=SHAPE):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), output.split(), **attributes)


def conv(source, output, weight="w"):
    return node("Conv", f"{source} {weight}", output, pads=[1, 1, 1, 1])


def test_of_a_chain_two_maps_and_the_input_are_there():
    chain = model(conv("x", "a"), node("Relu", "a", "b"), conv("b", "c"), node("Relu", "c", "d"), conv("d", "y"))
    assert peak_activation_bytes(chain) == 3 * MAP  # x for its owner, b, c; relu in place


def test_an_activation_of_what_is_needed_later_has_a_buffer_of_its_own():
    branches = model(conv("x", "a"), node("Relu", "a", "b"), node("Mul", "a b", "c"), conv("c", "y"))
    assert peak_activation_bytes(branches) == 3 * MAP  # x, a, b
    assert peak_activation_bytes(model(node("Relu", "x", "y"))) == 2 * MAP  # the input is its owner's


def test_a_shortcut_is_kept_until_it_is_added_by_the_convolution():
    block = [conv("x", "a"), conv("a", "b"), node("Relu", "b", "c"), conv("c", "d"), node("Add", "d a", "e")]
    residual = model(*block, node("Relu", "e", "f"), conv("f", "y"))
    assert peak_activation_bytes(residual) == 3 * MAP  # x, a, b; the last convolution adds to a in place
    used = model(*block, node("Add", "d e", "y"))
    assert peak_activation_bytes(used) == 4 * MAP  # x, a, c, d: d is needed apart from its sum with a


def test_of_a_concatenation_parts_and_whole_are_there():
    parts = [node("Split", "x", "a b", axis=1, num_outputs=2), node("Relu", "b", "c")]
    both = model(*parts, node("Concat", "a c", "y", axis=1))
    assert peak_activation_bytes(both) == 3 * MAP  # x, its halves, y


def test_a_view_is_the_buffer_of_its_tensor():
    shape = numpy_helper.from_array(np.array([1, 4, 8, 8]), "shape")
    twice = [node("Relu", "x", "a"), node("Reshape", "a shape", "b"), node("Concat", "a b", "y", axis=1)]
    assert peak_activation_bytes(model(*twice, weights=[shape])) == 4 * MAP  # x, a (and b), and y, which is both


def test_what_is_computed_from_constants_is_no_activation():
    folded = model(node("Mul", "w w", "v"), conv("x", "y", "v"))
    assert peak_activation_bytes(folded) == 2 * MAP


@pytest.fixture(scope="module")
def quantised():
    """Quantised convolution and activation, twice, then a mean in float32."""
    scale, zero = numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.int8(0), "z")
    weight = numpy_helper.from_array(np.zeros((4, 4, 3, 3), np.int8), "q")
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "q s z", "w"),
        node("DequantizeLinear", "xq s z", "x1"),
        conv("x1", "a"),
        node("Relu", "a", "r"),
        node("QuantizeLinear", "r s z", "rq"),
        node("DequantizeLinear", "rq s z", "r1"),
        conv("r1", "b"),
        node("QuantizeLinear", "b s z", "bq"),
        node("DequantizeLinear", "bq s z", "b1"),
    ]
    return lambda *more: model(*nodes, *more, weights=[scale, zero, weight])


def test_quantised_maps_have_one_byte_a_number(quantised):
    whole = quantised(
        node("GlobalAveragePool", "b1", "m"),
        node("QuantizeLinear", "m s z", "mq"),
        node("DequantizeLinear", "mq s z", "y"),
    )
    assert peak_activation_bytes(whole) == MAP + 2 * MAP // 4  # x in float32, and two maps of int8


def test_an_operator_without_integers_has_its_maps_dequantised(quantised):
    partly = quantised(node("ReduceMean", "b1", "y"))
    assert peak_activation_bytes(partly) == MAP + MAP // 4 + MAP  # x, bq and b1


def test_bytes_of_the_weights(quantised):
    assert model_bytes(model(conv("x", "y"))) == 4 * 4 * 9 * 4
    assert model_bytes(quantised(node("Relu", "b1", "y"))) == 4 * 4 * 9 + 4 + 1


def test_a_shape_that_is_not_known_is_refused():
    with pytest.raises(InvalidValueError, match="shape of 'x' is \\[1, 4, None, 8\\], but must be one that follows"):
        peak_activation_bytes(model(conv("x", "y"), shape=["batch", 4, "height", 8]))


def test_the_model_is_not_changed():
    given = model(conv("x", "y"))
    before = given.SerializeToString()
    peak_activation_bytes(given)
    assert given.SerializeToString() == before == onnx.ModelProto.FromString(before).SerializeToString()
