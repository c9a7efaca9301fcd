"""What a network costs to run."""

from __future__ import annotations

from typing import Protocol


class Cost(Protocol):
    """What a network costs to run; ``networks.NetworkCost`` is one."""

    @property
    def macs(self) -> int: ...

    @property
    def params(self) -> int: ...
