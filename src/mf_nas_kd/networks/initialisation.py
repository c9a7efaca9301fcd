"""Fresh weights as a function of a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mf_nas_kd.seeding import derive_seed


@contextmanager
def torch_seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Within the block, torch's global generator is seeded for one purpose; after it, it is as it was before.

    Module constructors of torch draw from the global generator and take no other: this is how their initialisation
    becomes an argument.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, *purpose))
        yield
