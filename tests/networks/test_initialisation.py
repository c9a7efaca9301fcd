import torch

from mf_nas_kd.networks.initialisation import torch_seeded


def test_torch_seeded_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    with torch_seeded(0, "a"):
        first = torch.rand(3)
    with torch_seeded(0, "a"):
        second = torch.rand(3)
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
