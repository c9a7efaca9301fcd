"""The drawing of a network has the shapes that the network computes."""

import pytest
import torch

from mf_nas_kd.figures.blocks import LAYERS, cell_edges, network_blocks
from mf_nas_kd.networks import BUILDERS, STUDENTS
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import build_space
from mf_nas_kd.spaces.nas_bench_201 import cell_of_operations
from tests.conftest import CHOICES

RESIDUAL = {"stem": 4, "stages": [6, 8, 10], "blocks": 2}


def examples(builder):
    if builder == "residual":
        return [RESIDUAL]
    rng = numpy_generator(0, "drawings")
    return [build_space(builder, CHOICES[builder]).sample(rng).fields for _ in range(4)]


def shapes_of_blocks(builder, fields, image_shape):
    """Shapes of the outputs of the network's own blocks, equal neighbours once."""
    with torch.random.fork_rng():
        network = BUILDERS[builder](**fields, classes=5, image_channels=image_shape[0]).eval()
    shapes, features = [], torch.zeros(1, *image_shape)
    with torch.no_grad():
        for block in network.blocks:
            features = block(features)
            channels, height, width = features.shape[1:]
            shapes.append(f"{channels} × {height}×{width}")
    return shapes


def once(shapes):
    return [shape for i, shape in enumerate(shapes) if i == 0 or shapes[i - 1] != shape]


@pytest.mark.parametrize("image_shape", [(1, 8, 8), (3, 9, 11), (3, 33, 32)])
@pytest.mark.parametrize("builder", sorted(LAYERS))
def test_the_shapes_are_those_of_the_network(builder, image_shape):
    for fields in examples(builder):
        image, *blocks, classifier = network_blocks(builder, fields, image_shape, classes=5)
        assert image.shape == f"{image_shape[0]} × {image_shape[1]}×{image_shape[2]}"
        assert once([block.shape for block in blocks]) == once(shapes_of_blocks(builder, fields, image_shape))
        assert classifier.shape == "5"


@pytest.mark.parametrize("builder", sorted(LAYERS))
def test_the_copies_are_those_of_the_network(builder):
    for fields in examples(builder):
        shapes = shapes_of_blocks(builder, fields, (1, 16, 16))
        final_layer = 1 if builder == "nas_bench_201" else 0  # normalisation and activation after the last cell
        blocks = network_blocks(builder, fields, (1, 16, 16), classes=5)[1:-1]
        assert sum(block.repeats for block in blocks) == len(shapes) - final_layer


def test_every_space_can_be_drawn():
    assert set(STUDENTS) <= set(LAYERS)


def test_a_network_that_cannot_be_drawn_has_images_and_classes():
    assert [b.title for b in network_blocks("torchvision", {}, (3, 8, 8), 5)] == ["image", "average, linear"]


def test_of_a_cell_the_edges_that_reach_the_output_are_listed():
    cell = cell_of_operations(["nor_conv_3x3", "nor_conv_1x1", "none", "skip_connect", "none", "none"])
    assert cell_edges("nas_bench_201", {"cell": cell}) == ["input → output: identity"]
    assert cell_edges("mobilenet_v2", {}) == []
