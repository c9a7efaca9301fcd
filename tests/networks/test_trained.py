import torch

from mf_nas_kd.networks import TrainedNetwork, rebuild


def test_a_saved_network_computes_the_same(teacher):
    again = TrainedNetwork.from_tensors(*teacher.to_tensors())
    images = torch.linspace(-1, 1, 3 * 64).reshape(3, 1, 8, 8)
    assert again.description == teacher.description
    assert again.fingerprint == teacher.fingerprint
    assert torch.equal(rebuild(again)(images).logits, rebuild(teacher)(images).logits)


def test_the_fingerprint_sees_one_changed_weight(teacher):
    weights = {name: tensor.clone() for name, tensor in teacher.weights.items()}
    weights["classifier.bias"][0] += 1e-3
    assert TrainedNetwork(teacher.description, weights).fingerprint != teacher.fingerprint


def test_narrower_networks_have_scaled_channels(architectures):
    from mf_nas_kd.networks import build_network
    from mf_nas_kd.networks.initialisation import torch_seeded

    with torch_seeded(0, "test"):
        wide, narrow = (build_network(architectures[0], 10, 1, width=width) for width in (1.0, 0.5))
    assert narrow.classifier.in_features == wide.classifier.in_features // 2
