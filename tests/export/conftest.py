"""One trained network and its models, for all tests of the exports."""

import pytest

from mf_nas_kd.export.onnx import network_graph
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.export.quantisation import Int8Parameters, quantise
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import Fidelity

INT8 = Int8Parameters(calibration_images=128, calibration="min_max", first_and_last_in_float=False, reduce_range=False)


@pytest.fixture(scope="package")
def trained(evaluator, architectures):
    network, _, _ = evaluator.train(architectures[0], Fidelity(1, 4), 0)
    return TrainedNetwork.of(evaluator.describe(architectures[0]), network)


@pytest.fixture(scope="package")
def graph(trained):
    return network_graph(trained, 18)


@pytest.fixture(scope="package")
def quantised(graph, digits):
    return quantise(graph, digits.train.images[:128].numpy(), INT8, [])


@pytest.fixture(scope="package")
def onnx_model(graph, trained, digits):
    return deployed_model(
        graph, (1, 8, 8), metadata_of(digits.class_names, (1, 8, 8), "a study", trained.fingerprint, "MIT")
    )
