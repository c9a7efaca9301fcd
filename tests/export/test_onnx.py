"""The exported winner computes what the network computes."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from mf_nas_kd.export.onnx import export_onnx
from mf_nas_kd.images import Identity, ResidentImages
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.records import Fidelity


@pytest.fixture(scope="module")
def trained(evaluator, architectures):
    network, _, _ = evaluator.train(architectures[0], Fidelity(1, 1), 0)
    return TrainedNetwork.of(evaluator.describe(architectures[0]), network)


@pytest.mark.parametrize("count", [1, 3, 200])
def test_onnxruntime_gives_the_same_logits(trained, digits, count):
    session = onnxruntime.InferenceSession(export_onnx(trained, digits.class_names, 18))
    (logits,) = session.run(["logits"], {"images": digits.test.images[:count].numpy()})
    resident = ResidentImages(digits.test, Identity(), digits.pixel_statistics, torch.device("cpu"))
    batch = resident.batch(torch.arange(count), torch.zeros(count, dtype=torch.int64))
    with torch.no_grad():
        expected = rebuild(trained)(batch.images).logits.numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert logits.std() > 0.1


def test_the_model_says_what_its_classes_are(trained, digits):
    model = onnx.load_from_string(export_onnx(trained, digits.class_names, 18))
    properties = {p.key: p.value for p in model.metadata_props}
    assert json.loads(properties["class_names"]) == list(digits.class_names)
    (images,) = model.graph.input
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
