"""The exported winner computes what the network computes."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from mf_nas_kd.export.graph import slimmed
from mf_nas_kd.export.onnx import OPSETS, network_graph
from mf_nas_kd.export.runtime import logits_of
from mf_nas_kd.images import Identity, ResidentImages
from mf_nas_kd.networks import rebuild


@pytest.mark.parametrize("count", [1, 3, 200])
def test_onnxruntime_gives_the_same_logits(graph, trained, digits, count):
    logits = logits_of(graph, digits.test.images[:count].numpy())
    resident = ResidentImages(digits.test, Identity(), digits.pixel_statistics, torch.device("cpu"))
    batch = resident.batch(torch.arange(count), torch.zeros(count, dtype=torch.int64))
    with torch.no_grad():
        expected = rebuild(trained)(batch.images).logits.numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert logits.std() > 0.1


def test_batch_normalisation_is_folded_and_layers_have_names(graph):
    operators = [node.op_type for node in graph.graph.node]
    assert "BatchNormalization" not in operators
    layers = [node.name for node in graph.graph.node if node.op_type in ("Conv", "Gemm")]
    assert layers[0] == "blocks.0.0"
    assert layers[-1] == "classifier"


def test_a_slim_graph_is_smaller_and_computes_the_same(graph, digits):
    slim, images = slimmed(graph), digits.test.images[:20].numpy()
    assert slim.ByteSize() < graph.ByteSize() / 2
    assert np.array_equal(logits_of(slim, images), logits_of(graph, images))
    assert [each.name for each in slim.graph.input] == ["images"]
    onnx.checker.check_model(slim, full_check=True)


def test_the_highest_operator_set_is_read_too(trained, graph, digits):
    highest = network_graph(trained, OPSETS[-1])
    assert (graph.ir_version, highest.ir_version) == (8, 10), "onnxruntime 1.20 reads up to 10"
    images = digits.test.images[:20].numpy()
    np.testing.assert_allclose(logits_of(highest, images), logits_of(graph, images), atol=1e-5)
    assert onnxruntime.InferenceSession(graph.SerializeToString()).get_inputs()[0].type == "tensor(uint8)"
