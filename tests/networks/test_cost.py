import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import mf_nas_kd.networks as module
from mf_nas_kd.networks import CostCounter, build_network, build_teacher, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.residual import ResidualNetwork
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces.nas_bench_201 import OPERATIONS, cell_of_operations
from mf_nas_kd.spaces.published import PUBLISHED_SPACES
from tests.conftest import STUDY_INPUT
from tests.published import published_entries


def test_hand_counted_layers():
    with torch_seeded(0, "test"):
        network = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),  # 4x4 outputs of 4 channels, 27 products each
            nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False),  # depthwise: 9 products each
            nn.Flatten(),
            nn.Linear(64, 5),
        )
    cost = network_cost(network, (3, 8, 8))
    assert cost.macs == 16 * 4 * 27 + 16 * 4 * 9 + 64 * 5
    assert cost.params == 4 * 27 + 4 * 9 + 64 * 5 + 5


def test_resnet32x4_has_the_usual_size():
    """7.43 million parameters with 100 classes: Tian et al. (2020), whose shortcuts are the same."""
    with torch_seeded(0, "test"):
        network = ResidualNetwork(stem=32, stages=[64, 128, 256], blocks=5, classes=100, image_channels=3)
    assert round(network_cost(network, (3, 32, 32)).params / 1e6, 2) == 7.43


def counted(name, entries):
    costs = []
    for entry in entries:
        with torch_seeded(0, "test"):
            network = build_network(PUBLISHED_SPACES[name](entry), classes=100, image_channels=3)
        costs.append(network_cost(network, (3, 32, 32)))
    return costs


@pytest.mark.parametrize(
    ("name", "count", "params", "macs"),
    [
        ("mobilenet", 100, (855_316, 7_220_756), (11_913_472, 182_748_832)),
        ("shufflenet", 300, (448_424, 3_957_196), (8_569_600, 163_887_168)),
    ],
)
def test_counts_of_the_published_networks(published, name, count, params, macs):
    costs = counted(name, published_entries(published, name)[:count])
    assert (min(c.params for c in costs), max(c.params for c in costs)) == params
    assert (min(c.macs for c in costs), max(c.macs for c in costs)) == macs


@pytest.mark.parametrize(("name", "after", "step"), [("mobilenet", 100, 1), ("shufflenet", 300, 12)])
def test_the_other_published_networks_can_be_built(published, name, after, step):
    costs = counted(name, published_entries(published, name)[after::step])
    assert len(costs) >= 56
    assert all(cost.macs > cost.params > 0 for cost in costs)


CELLS = st.lists(st.sampled_from(OPERATIONS), min_size=6, max_size=6).map(cell_of_operations)


@settings(max_examples=15)
@given(CELLS, st.integers(1, 9), st.integers(1, 2), st.floats(0.1, 1), st.integers(4, 12), st.integers(1, 12))
def test_the_cost_of_a_cell_is_that_of_its_network(cell, stem, cells_per_stage, width, size, classes):
    architecture = Architecture.of("nas_bench_201", cell=cell, stem=stem, cells_per_stage=cells_per_stage)
    with torch_seeded(0, "test"):
        network = build_network(architecture, classes, 3, width)
    counted = CostCounter(classes, (3, 16, 16))(architecture, width, (3, size, size + 1))
    assert counted == network_cost(network, (3, size, size + 1))


def test_five_networks_are_built_for_any_number_of_cells(monkeypatch):
    built = []
    monkeypatch.setattr(
        module, "network_cost", lambda network, shape: built.append(shape) or network_cost(network, shape)
    )
    count = CostCounter(10, (3, 8, 8))
    cells = [cell_of_operations([OPERATIONS[(number // 5**edge) % 5] for edge in range(6)]) for number in range(600)]
    for cell in cells:
        count(Architecture.of("nas_bench_201", cell=cell, stem=4, cells_per_stage=1))
    assert len(built) == 5


def torchvision(model, shape=(3, 224, 224), **arguments):
    with torch_seeded(0, "test"):
        options = {"model": model, "small_image_stem": False, "arguments": arguments, **STUDY_INPUT}
        return build_teacher("torchvision", options, 1000, shape)


@pytest.mark.parametrize(("model", "giga_macs"), [("swin_t", 4.491), ("vit_b_16", 17.56)])
def test_attention_of_transformers_is_counted(model, giga_macs):
    """The figures that torchvision documents for its weights."""
    network = torchvision(model).eval()
    cost = network_cost(network, (3, 224, 224))
    assert cost.macs / 1e9 == pytest.approx(giga_macs, abs=0.005)
    assert not network.training
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v3_small", "convnext_tiny", "googlenet"])
def test_the_count_of_a_convolutional_network_is_that_of_its_layers(model):
    network = torchvision(model)
    ours = network_cost(network, (3, 224, 224))
    plain = network_cost(network.model, (3, 224, 224))  # counted layer by layer
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 3, 224, 224))
    assert ours == plain
    assert ours.macs * 2 == counter.get_total_flops()
