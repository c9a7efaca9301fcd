from types import SimpleNamespace

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


def test_the_generator_of_mps_is_seeded_and_restored(monkeypatch):
    """Without such a machine: what torch is told."""
    generator = SimpleNamespace(state=5)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: generator.state)
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: setattr(generator, "state", state))
    monkeypatch.setattr(torch.mps, "manual_seed", lambda seed: setattr(generator, "state", ("seeded", seed)))
    states = []
    for purpose in ("a", "b", "a"):
        with torch_seeded(0, purpose):
            states.append(generator.state)
        assert generator.state == 5
    assert states[0] == states[2] != states[1]
