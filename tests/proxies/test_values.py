"""Each proxy against an independent computation on a network small enough for it."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.trunk import TappedNetwork
from mf_nas_kd.proxies import UNDEFINED, WORST, ProxyInputs
from mf_nas_kd.proxies.az_nas import rank_aggregation
from mf_nas_kd.proxies.blocks import block_passes, entropy
from mf_nas_kd.proxies.expressivity import expressivity
from mf_nas_kd.proxies.live_macs import live_macs
from mf_nas_kd.proxies.naswot import naswot
from mf_nas_kd.proxies.progressivity import progressivity
from mf_nas_kd.proxies.synflow import synflow
from mf_nas_kd.proxies.teacher_similarity import kernel_alignment, teacher_similarity
from mf_nas_kd.proxies.trainability import jacobian_norm, trainability
from mf_nas_kd.proxies.zico import zico
from mf_nas_kd.records import Architecture
from mf_nas_kd.taps import Taps

ARCHITECTURE = Architecture.of("none")


def made(blocks, embedding, classes=3, batches=1, count=6, channels=2, size=4, teacher=None, architecture=ARCHITECTURE):
    """Inputs of a proxy: a network of some blocks, and random images."""
    with torch_seeded(0, "tests of proxies"):
        network = TappedNetwork(blocks(), embedding, classes)
        images = [torch.randn(count, channels, size, size) for _ in range(batches)]
        labels = [torch.randint(classes, (count,)) for _ in range(batches)]
    return ProxyInputs(architecture, network, tuple(zip(images, labels, strict=True)), teacher, seed=0)


def linear_blocks():
    return [nn.Conv2d(2, 3, 1, bias=False), nn.Conv2d(3, 4, 1, bias=False)]


def rectified_blocks(kind=nn.ReLU):
    return [nn.Sequential(nn.Conv2d(2, 5, 3), kind(inplace=True)), nn.Sequential(nn.Conv2d(5, 4, 1), kind())]


def test_naswot_is_the_determinant_of_the_hamming_kernel():
    inputs = made(rectified_blocks, 4)
    first, second = (block[0] for block in inputs.network.blocks)
    with torch.no_grad():
        hidden = first(inputs.images)
        codes = torch.cat([hidden.flatten(1), second(hidden.clamp_min(0)).flatten(1)], dim=1).numpy() > 0
    agreeing = np.array([[(one == other).sum() for other in codes] for one in codes])
    assert naswot(inputs) == pytest.approx(math.log(np.linalg.det(agreeing)), abs=1e-6)


def test_naswot_takes_the_lower_threshold_of_relu6():
    assert naswot(made(lambda: rectified_blocks(nn.ReLU6), 4)) == naswot(made(rectified_blocks, 4))


def test_naswot_of_equal_images_and_of_networks_without_rectification_is_the_worst():
    inputs = made(rectified_blocks, 4)
    inputs.images[1] = inputs.images[0]
    assert naswot(inputs) == WORST
    assert naswot(made(linear_blocks, 4)) == WORST


def test_synflow_of_a_chain_is_the_product_of_absolute_weights_once_a_layer():
    inputs = made(linear_blocks, 4)
    first, second, last = [
        *(block.weight[..., 0, 0] for block in inputs.network.blocks),
        inputs.network.classifier.weight,
    ]
    flow = (last.abs() @ second.abs() @ first.abs()).double().sum().item()  # averaged over positions, which are equal
    assert synflow(inputs) == pytest.approx(math.log(3 * flow), rel=1e-6)


def test_synflow_does_not_see_normalisation_nor_the_upper_threshold_of_relu6():
    def large(kind):
        block = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3), kind())
        return [block, nn.Conv2d(3, 4, 1, bias=False)]

    plain, clipped = made(linear_blocks, 4), made(lambda: large(nn.ReLU6), 4)
    for inputs in (plain, clipped):
        with torch.no_grad():
            for parameter in inputs.network.parameters():
                parameter.copy_(torch.where(torch.arange(parameter.numel()) % 2 == 0, 50.0, -50.0).view_as(parameter))
            inputs.network.classifier.bias.zero_()
    clipped.network.blocks[0][1].running_var.fill_(4.0)
    assert synflow(clipped) == pytest.approx(synflow(plain))
    assert clipped.network.blocks[0][2].max_val == 6.0


def test_zico_is_the_sum_of_logarithms_of_mean_over_deviation():
    inputs = made(linear_blocks, 4, batches=3)
    gradients = []
    for images, labels in inputs.batches:
        inputs.network.zero_grad()
        functional.cross_entropy(inputs.network(images).logits, labels).backward()
        weights = [*(block.weight for block in inputs.network.blocks), inputs.network.classifier.weight]
        gradients.append([np.abs(weight.grad.numpy().astype(float)) for weight in weights])
    expected = sum(
        np.log((np.mean(layer, axis=0) / np.std(layer, axis=0)).sum()) for layer in zip(*gradients, strict=True)
    )
    inputs.network.zero_grad()
    assert zico(inputs) == pytest.approx(expected, rel=1e-4)


def test_zico_without_a_gradient_that_varies_is_the_worst():
    inputs = made(linear_blocks, 4)
    assert zico(ProxyInputs(ARCHITECTURE, inputs.network, inputs.batches * 2, None, 0)) == WORST


def test_entropy_is_that_of_the_eigenvalues_of_the_covariance():
    generator = torch.Generator().manual_seed(0)
    for shape in ((4, 3, 5, 5), (2, 7, 1, 2)):  # more vectors than channels, and fewer
        features = torch.randn(shape, generator=generator)
        rows = features.permute(0, 2, 3, 1).reshape(-1, shape[1]).numpy().astype(float)
        eigenvalues = np.linalg.eigvalsh(np.cov(rows, rowvar=False, bias=True)).clip(1e-300)
        shares = eigenvalues / eigenvalues.sum()
        assert entropy(features) == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-4)
    assert entropy(torch.ones(4, 3, 2, 2)) == 0


def test_expressivity_and_progressivity_are_sum_and_least_growth_of_the_entropies():
    inputs = made(lambda: [*linear_blocks(), nn.Conv2d(4, 4, 1)], 4)
    entropies = [entropy(leaving) for _, leaving in block_passes(inputs)]
    assert expressivity(inputs) == pytest.approx(sum(entropies))
    assert progressivity(inputs) == pytest.approx(min(entropies[1] - entropies[0], entropies[2] - entropies[1]))
    assert progressivity(made(lambda: [nn.Conv2d(2, 4, 1)], 4)) is UNDEFINED


def test_the_jacobian_norm_of_a_linear_layer_is_its_spectral_norm():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=generator)
    signs = torch.randint(0, 2, (20_000, 3, 1, 1), generator=generator) * 2.0 - 1
    gradient = (signs[:, :, 0, 0] @ weight)[:, :, None, None]
    assert jacobian_norm(gradient, signs) == pytest.approx(np.linalg.norm(weight.numpy(), 2), rel=0.02)


def test_the_jacobian_of_a_block_that_makes_maps_smaller_has_a_channel_for_each_position():
    signs = torch.tensor([1.0, -1.0, 1.0]).view(3, 1, 1, 1)
    odd = torch.zeros(3, 1, 1, 1).expand(3, 1, 3, 3).clone()  # three rows become one
    odd[:, :, 0, 0], odd[:, :, 2, 1] = 3 * signs[:, :, 0, 0], 4 * signs[:, :, 0, 0]
    assert jacobian_norm(odd, signs) == pytest.approx(5.0)


def test_trainability_is_best_for_blocks_that_keep_the_length_of_gradients():
    def scaled(factor):
        def blocks():
            layers = [nn.Conv2d(2, 2, 1, bias=False) for _ in range(3)]
            return layers

        inputs = made(blocks, 2, count=40, size=8)
        with torch.no_grad():
            for layer in inputs.network.blocks:
                layer.weight.copy_(factor * torch.tensor([[0.0, 1.0], [1.0, 0.0]])[:, :, None, None])
        return trainability(inputs)

    assert scaled(1.0) == pytest.approx(0.0, abs=0.05)
    assert scaled(2.0) == pytest.approx(-0.5, abs=0.2)
    assert scaled(0.1) == pytest.approx(-8.1, abs=0.5)


def test_trainability_of_a_block_that_returns_its_input_is_the_worst():
    assert trainability(made(lambda: [nn.Conv2d(2, 2, 1), nn.Identity()], 2)) == WORST
    assert trainability(made(lambda: [nn.Conv2d(2, 2, 1)], 2)) is UNDEFINED


def test_ranks_are_put_together_by_their_logarithms():
    expected = [math.log(1 / 3) + math.log(3 / 3), math.log(2 / 3) + math.log(1.5 / 3), math.log(1) + math.log(1.5 / 3)]
    assert rank_aggregation([1.0, 5.0, 7.0], [9.0, WORST, WORST]) == pytest.approx(expected)


def test_kernel_alignment_does_not_depend_on_rotation_scale_and_shift_but_on_the_similarities():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), rng.normal(size=(12, 7))
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    moved = torch.tensor(3 * x @ rotation + 2)
    a, b = torch.tensor(x), torch.tensor(y)
    assert kernel_alignment(a, moved) == pytest.approx(1)
    assert kernel_alignment(moved, b) == pytest.approx(kernel_alignment(a, b))
    centred_x, centred_y = x - x.mean(axis=0), y - y.mean(axis=0)
    hsic = np.linalg.norm(centred_y.T @ centred_x) ** 2
    scale = np.linalg.norm(centred_x.T @ centred_x) * np.linalg.norm(centred_y.T @ centred_y)
    assert kernel_alignment(a, b) == pytest.approx(hsic / scale)
    assert kernel_alignment(torch.ones(4, 3), torch.rand(4, 3, generator=torch.Generator().manual_seed(0))) == WORST


def test_a_student_that_is_the_teacher_is_as_similar_as_can_be():
    alone = made(linear_blocks, 4)
    with torch.no_grad():
        taps = alone.network(alone.images)
    without_maps = Taps(taps.logits, taps.embedding, ())
    for teacher in (taps, without_maps):
        assert teacher_similarity(made(linear_blocks, 4, teacher=teacher)) == pytest.approx(1)
    with pytest.raises(ValueError, match="teacher of the proxy is None, but must be a trained teacher"):
        teacher_similarity(alone)


def test_live_macs_leave_out_what_no_path_uses():
    def macs(cell):
        architecture = Architecture.of("nas_bench_201", stem=4, cells_per_stage=1, cell=cell)
        return live_macs(made(linear_blocks, 4, channels=3, size=8, architecture=architecture))

    dead = "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|"
    assert macs(dead) == macs(dead.replace("nor_conv_3x3", "none"))
    assert macs(dead.replace("none~2", "skip_connect~2")) == macs(dead)  # node 2 still gets nothing
    alive = "|none~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|skip_connect~2|"
    assert macs(alive) == macs(dead) + 8 * 8 * 4 * 4 + 4 * 4 * 8 * 8 + 2 * 2 * 16 * 16
    assert live_macs(made(linear_blocks, 4)) is UNDEFINED
