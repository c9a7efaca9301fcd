import pytest
import torch
from torch.nn import functional

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import Costs, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.nas_bench_201 import OPERATION_BUILDERS, Cell, NASBench201Network
from mf_nas_kd.spaces.nas_bench_201 import OPERATIONS, cell_of_operations


def build(operations, stem=16, cells_per_stage=5, classes=10):
    with torch_seeded(0, "test"):
        return NASBench201Network(cell_of_operations(operations), stem, cells_per_stage, classes, image_channels=3)


def gradients(network):
    logits = network(torch.linspace(-1, 1, 4 * 3 * 64).reshape(4, 3, 8, 8).sin()).logits
    assert torch.isfinite(logits).all()
    functional.cross_entropy(logits, torch.arange(4)).backward()
    return {name: parameter.grad for name, parameter in network.named_parameters()}


@pytest.mark.parametrize(
    ("operations", "flops", "params"),
    [
        (["nor_conv_3x3"] * 6, 220_119_690, 1_531_546),
        (
            ["skip_connect", "none", "nor_conv_3x3", "avg_pool_3x3", "nor_conv_3x3", "nor_conv_3x3"],
            113_951_370,
            802_426,
        ),
    ],
)
def test_counts_are_those_of_the_benchmark(operations, flops, params):
    """On CIFAR-10, as the benchmark's tables give them; their operations include one addition a class, of the bias."""
    assert network_cost(build(operations), (3, 32, 32)) == Costs(macs=flops - 10, params=params)


def test_hand_counted_network():
    """Stem of 2 channels on 4x4 images, one cell a stage with one 1x1 convolution: stages of 2, 4 and 8 channels."""
    stem, cells = 3 * 2 * 9, (2 * 2, 4 * 4, 8 * 8)
    reductions = (2 * 4 * 9 + 4 * 4 * 9 + 2 * 4, 4 * 8 * 9 + 8 * 8 * 9 + 4 * 8)  # two 3x3 and the shortcut's 1x1
    normalised = 2 + 2 + (4 + 4) + 4 + (8 + 8) + 8 + 8  # channels, each with a scale and a shift
    cost = network_cost(build(["nor_conv_1x1", *["none"] * 5], 2, 1, classes=5), (3, 4, 4))
    assert cost.macs == 16 * (stem + cells[0]) + 4 * (reductions[0] + cells[1]) + (reductions[1] + cells[2]) + 8 * 5
    assert cost.params == stem + sum(cells) + sum(reductions) + 2 * normalised + 8 * 5 + 5


def test_every_operation_has_a_module_that_keeps_the_shape():
    assert tuple(OPERATION_BUILDERS) == OPERATIONS
    features = torch.ones(2, 4, 5, 5)
    with torch_seeded(0, "test"):
        assert all(make(4)(features).shape == features.shape for make in OPERATION_BUILDERS.values())


def test_pooling_at_the_border_averages_what_is_there():
    features = torch.ones(1, 4, 5, 5)
    assert torch.equal(OPERATION_BUILDERS["avg_pool_3x3"](4)(features), features)


@pytest.mark.parametrize(
    ("operations", "multiple"),
    [
        (["skip_connect"] * 6, 4),  # nodes: x, x + x, x + x + 2x
        (["none", "skip_connect", "skip_connect", "none", "none", "skip_connect"], 1),  # only 0 -> 2 -> 3 arrives
        (["skip_connect", "none", "skip_connect", "none", "skip_connect", "skip_connect"], 2),
        (["skip_connect", "skip_connect", "skip_connect", "none", "none", "none"], 0),
    ],
)
def test_a_node_is_the_sum_of_its_edges(operations, multiple):
    features = torch.linspace(-1, 1, 4 * 9).reshape(1, 4, 3, 3)
    assert torch.equal(Cell(operations, 4)(features), multiple * features)


@pytest.mark.parametrize("operation", ["nor_conv_1x1", "nor_conv_3x3"])
def test_the_gradient_reaches_every_parameter(operation):
    found = gradients(build([operation] * 6, 4, 2))
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in found.values())


def test_a_cell_without_connections_still_has_a_loss():
    found = gradients(build(["none"] * 6, 4, 2))
    assert all(gradient is None or torch.isfinite(gradient).all() for gradient in found.values())
    assert found["classifier.bias"].abs().max() > 0


def test_a_malformed_cell_is_refused():
    with pytest.raises(InvalidValueError, match="cell is 'conv', but must be"):
        NASBench201Network("conv", 4, 1, 10, 3)
