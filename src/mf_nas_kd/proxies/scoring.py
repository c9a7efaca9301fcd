"""Zero-cost proxies of architectures on the images of a study."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mf_nas_kd.device import choose_device, reproducible, synchronise
from mf_nas_kd.images import Identity, ImageDataset, ResidentImages
from mf_nas_kd.networks import TrainedNetwork, build_network, rebuild
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.trunk import TappedNetwork
from mf_nas_kd.proxies.proxy import UNDEFINED, WORST, ProxyInputs
from mf_nas_kd.proxies.settings import ProxySettings
from mf_nas_kd.proxies.table import NEED_TEACHER, PROXIES
from mf_nas_kd.records import Architecture
from mf_nas_kd.seeding import derive_seed, fingerprint, numpy_generator
from mf_nas_kd.taps import Taps

VERSION = 1  # raise it when a change of the code changes the values

PER_PROCESS = frozenset({"device", "batches", "teacher_taps"})
"""Attributes that were made for the device of one process."""


@dataclass(frozen=True)
class Score:
    """A proxy of one architecture.

    Attributes:
        value: Mean over the initialisations; higher values are expected of better networks.
        seconds: Time that all initialisations took, in seconds, the construction of the networks apart.
    """

    value: float
    seconds: float


class ProxyScorer:
    """Computes the proxies of architectures. It can be pickled; what was made for one device stays in its process.

    Values are computed in float32 with one CPU thread, and do not depend on which proxies are computed together.

    Args:
        images: The images of the study; the proxies see training images, without augmentation.
        teacher: The teacher; None if no proxy needs it.
        settings: Which proxies, and from what.
        device: ``training.device``. A device without numbers of 64 bits (mps) is replaced by the CPU.

    Raises:
        InvalidValueError: If a proxy needs a teacher, and there is none.
    """

    def __init__(
        self, images: ImageDataset, teacher: TrainedNetwork | None, settings: ProxySettings, device: str = "auto"
    ) -> None:
        self._images = images
        self._teacher = teacher
        self.settings = settings
        self._device_name = device

    @cached_property
    def device(self) -> torch.device:
        """Device of this process."""
        device = choose_device(self._device_name)
        return torch.device("cpu") if device.type == "mps" else device

    def key(self, architecture: Architecture, name: str) -> str:
        """Fingerprint of everything that determines the value of a proxy, 32 hexadecimal characters."""
        settings = self.settings.model_dump(mode="json", exclude={"use"})
        teacher = self._teacher.fingerprint if self._teacher is not None and name in NEED_TEACHER else ""
        parts = [VERSION, name, architecture.space, architecture.specification, self._images.fingerprint, teacher]
        return fingerprint([*parts, settings], length=32)

    def scores(self, architecture: Architecture, names: Iterable[str]) -> dict[str, Score]:
        """Compute proxies of an architecture.

        Args:
            architecture: An architecture of any space.
            names: Names in ``PROXIES``.

        Raises:
            InvalidValueError: If a proxy needs a teacher, and there is none.
        """
        wanted = list(names)
        values: dict[str, list[float]] = {name: [] for name in wanted}
        seconds = dict.fromkeys(wanted, 0.0)
        with reproducible():
            for repetition in range(self.settings.initialisations):
                inputs = self._inputs(architecture, repetition, needs_teacher=not NEED_TEACHER.isdisjoint(wanted))
                for name in wanted:
                    started = time.perf_counter()
                    values[name].append(_checked(PROXIES[name](inputs)))
                    synchronise(self.device)
                    seconds[name] += time.perf_counter() - started
        return {name: Score(math.fsum(values[name]) / len(values[name]), seconds[name]) for name in wanted}

    def _inputs(self, architecture: Architecture, repetition: int, needs_teacher: bool) -> ProxyInputs:
        seed = self.settings.seed
        with torch_seeded(seed, "proxies", repetition):
            network = build_network(architecture, self._images.classes, self._images.image_shape[0])
        if not isinstance(network, TappedNetwork):
            raise TypeError(f"{type(network).__name__} has no blocks")
        placed: TappedNetwork = network.to(memory_format=torch.channels_last).to(self.device).train()
        taps = self.teacher_taps if needs_teacher and self._teacher is not None else None
        return ProxyInputs(architecture, placed, self.batches, taps, derive_seed(seed, "proxies", "noise", repetition))

    @cached_property
    def batches(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """Batches of different training images with their labels; images are repeated only if there are too few."""
        count, size = self.settings.gradient_batches, self.settings.batch_size
        order = torch.from_numpy(
            numpy_generator(self.settings.seed, "proxies", "images").permutation(len(self._images.train))
        )
        chosen = order.repeat(-(-count * size // len(order)))[: count * size]
        statistics = self._images.pixel_statistics
        resident = ResidentImages(self._images.train[chosen], Identity(), statistics, self.device)
        positions = torch.arange(count * size, device=self.device).split(size)
        batches = [resident.batch(each, torch.zeros_like(each)) for each in positions]
        return tuple((batch.images, batch.labels) for batch in batches)

    @cached_property
    def teacher_taps(self) -> Taps | None:
        """Taps of the teacher for the images of the first batch; None if there is no teacher."""
        if self._teacher is None:
            return None
        network = rebuild(self._teacher).to(self.device)
        with reproducible(), torch.no_grad():
            taps: Taps = network(self.batches[0][0])
        return taps.float()

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in PER_PROCESS}


def _checked(value: float) -> float:
    """The value of a proxy; what overflowed is as bad as nothing that passes."""
    return value if math.isfinite(value) or value == WORST or value is UNDEFINED else WORST
