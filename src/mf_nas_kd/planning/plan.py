"""The plan: how the time of a study is divided among its stages, and the parameters that follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mf_nas_kd.nested import merged
from mf_nas_kd.planning.choices import FINAL_SHARE, LONGEST_UNASKED
from mf_nas_kd.planning.costs import PassSeconds
from mf_nas_kd.planning.speed import TeacherSeconds
from mf_nas_kd.planning.wishes import Wishes

SHARES = {"teacher": 0.15, "evaluation": 0.28, "search": 0.17, "final": FINAL_SHARE}
"""Parts of the time of all trainings. The final stage has the largest one: a good architecture that was trained for too
short a time is not a good network."""

FEW_SHARES = {"teacher": 0.15, "evaluation": 0.12, "search": 0.08, "final": 0.65}
"""Likewise where networks are not ranked."""

FEW_NETWORKS = 3
FEW_CANDIDATES = 4  # the least that the evaluation takes
FEW_SEARCHED = 2  # the networks with the most multiply-accumulates: the zero-cost order costs nothing

SPREAD, SEED_DEVIATION = 0.020, 0.0115
"""Standard deviations of validation accuracies that are assumed: between the networks of a space, and between seeds of
one network. They are those of the shipped study (36 networks, two seeds each, 20 classes of CIFAR-100)."""

DISAGREEMENT = 0.2
"""Fraction of images that one of two similar networks classifies correctly and the other does not, assumed."""

LEAST_AGREEMENT = 0.5
"""Kendall's tau below which ranking is called luck: a pair of networks is in the right order with probability 0.75."""

CANDIDATES = (8, 24)
FULL_EPOCHS = (8, 30)
FEW_EPOCHS = (5, 30)
FINAL_EPOCHS = (20, 200)
TEACHER_EPOCHS = (10, 100)
MOST_BLOCKS, IMAGES_FOR_DEPTH = 3, 5_000
"""Most residual blocks of each stage of a teacher, and the training images from which a deeper one is taken."""

POOL, FEW_POOL, SMALLEST_POOL = 200, 50, 20
SECONDS_A_MEASUREMENT, MEASURED_SHARE = 0.6, 0.1
"""Time of a latency measurement (121 s for 200 networks, docs/how_to/limits.md), and its most of the whole time."""


PASSES_WANTED = 1_500_000
"""Images that a final training sees where the time does not limit it, each augmentation counted."""

SMALLEST_SUBSET = 100  # training images that a low-fidelity evaluation uses at least
IMAGES_PER_CLASS = 10  # likewise, of each class
SUBSETS = {"twenty_seventh": 27, "ninth": 9, "third": 3}
LOW_DISTILLATIONS = ("none", "kd")
SHORT, SHORT_PART = "short", 4  # the low fidelity without subsets: all images, a quarter of the epochs

FINALISTS, SEEDS = 2, 3
FINAL_TRAININGS = 18
"""Trainings to the end that are counted on: two finalists and two cheaper equivalents, or three finalists, each plain
and distilled; seven references; and a second seed of some. With less time the stage leaves out seeds first."""

FIXED_SECONDS = {"data": 10.0, "correlation": 20.0, "export": 25.0, "report": 15.0}

TRAINING_OVERHEAD = 1.25
"""Time of a training over that of its steps: learning curve, averaged weights, outputs."""

SEARCH_OVERHEAD = 1.3  # proposals, and workers that wait for each other


class Kind(StrEnum):
    """What a study can do for these images in this time."""

    SEARCH = "search"
    FEW_IMAGES = "few images"
    LITTLE_TIME = "little time"


@dataclass(frozen=True)
class Facts:
    """What is known after the images were decoded and the machine was measured.

    Attributes:
        train: Number of training images.
        validation: Number of validation images.
        test: Number of test images.
        classes: Number of classes.
        smallest_class: Number of training images of the smallest class.
        largest_class: Number of training images of the largest class.
        workers: Trainings that run in parallel.
        candidate: Seconds of a pass over the training images, for a network of some multiply-accumulates.
        mean_macs: Mean multiply-accumulates of candidates within the limits.
        largest_macs: Largest of a sample of them.
        teacher: Times of the teacher.
    """

    train: int
    validation: int
    test: int
    classes: int
    smallest_class: int
    largest_class: int
    workers: int
    candidate: PassSeconds
    mean_macs: float
    largest_macs: float
    teacher: TeacherSeconds

    @property
    def noise(self) -> float:
        """Standard error of the difference between the validation accuracies of two networks, from the images alone.

        Of ``n`` paired images, the difference of two accuracies has about the variance ``d / n`` where ``d`` is the
        fraction of images about which the networks differ (McNemar, 1947).
        """
        return math.sqrt(DISAGREEMENT / self.validation)

    @property
    def agreement(self) -> float:
        """Expected Kendall's tau between networks ranked by one training each, and their true order.

        For a bivariate normal distribution with correlation ``r`` it is ``2 / pi * asin(r)`` (Kruskal, 1958); ``r`` is
        that of the measured accuracies with the true ones.
        """
        correlation = SPREAD / math.sqrt(SPREAD**2 + SEED_DEVIATION**2 + self.noise**2 / 2)
        return 2 / math.pi * math.asin(correlation)


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        kind: What the study does.
        parameters: Parameters that differ from ``conf/base``.
        seconds: Expected wall time of each stage, in seconds, in the order of the stages.
    """

    kind: Kind
    parameters: Mapping[str, Any]
    seconds: Mapping[str, float]

    @property
    def total_seconds(self) -> float:
        """Expected wall time of the study, in seconds."""
        return sum(self.seconds.values())


def make_plan(facts: Facts, wishes: Wishes, of_images: Mapping[str, Any]) -> Plan:
    """Divide the time among the stages.

    Args:
        facts: What was found and measured.
        wishes: What the user asks for.
        of_images: Parameters that follow from the images.
    """
    pass_seconds = TRAINING_OVERHEAD * facts.candidate(facts.mean_macs) / facts.workers  # wall time, all workers busy
    final_pass = TRAINING_OVERHEAD * facts.candidate((facts.mean_macs + facts.largest_macs) / 2) / facts.workers
    wanted = _within(PASSES_WANTED / facts.train, FINAL_EPOCHS)
    time = _time_of_trainings(facts, wishes, wanted * FINAL_TRAININGS * final_pass)
    ranking = _ranking(facts, time / pass_seconds)
    shares = SHARES if ranking.kind is Kind.SEARCH else FEW_SHARES
    teacher = _teacher(facts, shares["teacher"] * time)
    final_epochs = min(wanted, _within(shares["final"] * time / (FINAL_TRAININGS * final_pass), FINAL_EPOCHS))
    final_seconds = min(shares["final"] * time, 1.1 * final_epochs * FINAL_TRAININGS * final_pass)
    search_seconds = shares["search"] * time
    largest = TRAINING_OVERHEAD * facts.candidate(facts.largest_macs) * ranking.full_epochs
    if ranking.kind is not Kind.SEARCH:
        search_seconds = FEW_SEARCHED * largest / min(facts.workers, FEW_SEARCHED)
    seconds = {
        "data": FIXED_SECONDS["data"],
        "teacher": teacher.blocks * teacher.epochs * facts.teacher.training_pass,
        "evaluation": ranking.passes * pass_seconds + teacher.blocks * facts.teacher.forward_pass,
        "correlation": FIXED_SECONDS["correlation"],
        "search": search_seconds,
        "final": final_seconds,
        "export": FIXED_SECONDS["export"],
        "report": FIXED_SECONDS["report"],
    }
    chosen = {
        "teacher": {"epochs": teacher.epochs, **teacher.options},
        "candidates": {"count": ranking.candidates, **_only("max_macs", wishes)},
        "evaluation": ranking.evaluation,
        "search": {
            **wishes.limits,
            **ranking.search,
            "pool_size": _pool_size(ranking.kind, wishes, time),
            "budget_seconds": _search_budget(ranking.kind, search_seconds * facts.workers, largest),
        },
        "final": {
            **ranking.finalists,
            "epochs": final_epochs,
            "seeds": SEEDS,
            "budget_seconds": _rounded(final_seconds * facts.workers),
        },
    }
    return Plan(ranking.kind, merged(of_images, chosen), seconds)


@dataclass(frozen=True)
class _Ranking:
    """How networks are compared before the final stage.

    Attributes:
        kind: What the study does.
        candidates: Number of networks that are evaluated.
        full_epochs: Epochs of a high-fidelity evaluation.
        low: Epochs of each low-fidelity schedule, by its name.
    """

    kind: Kind
    candidates: int
    full_epochs: int
    low: Mapping[str, int]

    @property
    def passes(self) -> float:
        """Passes over all training images that the evaluations make."""
        low = sum(epochs / SUBSETS[name] for name, epochs in self.low.items()) * len(LOW_DISTILLATIONS)
        if not self.low:
            low = self.full_epochs // SHORT_PART
        return self.candidates * (self.full_epochs + low)

    @property
    def evaluation(self) -> dict[str, Any]:
        """The parameters ``evaluation``. Without usable subsets the low fidelity is a short training on all images."""
        left_out = dict.fromkeys(SUBSETS)
        used: dict[str, Any] = {name: {"epochs": epochs} for name, epochs in self.low.items()}
        whole = {SHORT: {"train_fraction": 1, "epochs": self.full_epochs // SHORT_PART}}
        distillations = LOW_DISTILLATIONS if self.low else ("none",)
        return {
            "full": {"epochs": self.full_epochs},
            "low": {
                "schedules": {**left_out, **(used or whole)},
                "distillation": {name: name in distillations for name in BASE_DISTILLATIONS},
            },
        }

    @property
    def finalists(self) -> dict[str, Any]:
        """The parameters ``final`` that choose the networks; the few ones have no cheaper equivalents."""
        if self.kind is Kind.SEARCH:
            return {"finalists": FINALISTS}
        return {"finalists": FEW_NETWORKS, "tolerance_points": 0.0}

    @property
    def search(self) -> dict[str, Any]:
        """The parameters ``search`` without limits and budget of time."""
        if self.kind is Kind.SEARCH:
            return {"strategy": "mf_kd"}
        return {"strategy": "proxy_order", "budget_evaluations": FEW_SEARCHED}


BASE_DISTILLATIONS = ("none", "kd", "attention", "attention_balanced", "nst")
"""Distillation configurations that ``conf/base`` evaluates at low fidelity."""


@dataclass(frozen=True)
class _Teacher:
    """How the teacher is trained.

    Attributes:
        epochs: Epochs of its training.
        blocks: Residual blocks of each stage, 1 where nothing is changed.
    """

    epochs: int
    blocks: int

    @property
    def options(self) -> dict[str, Any]:
        """The parameters of ``teacher`` that make it deeper."""
        return {} if self.blocks == 1 else {"options": {"residual": {"blocks": self.blocks}}}


def _teacher(facts: Facts, seconds: float) -> _Teacher:
    """A deeper teacher where there are images for it and more time than the measured one can use."""
    affordable = seconds / max(facts.teacher.training_pass, 1e-9)
    deepest = MOST_BLOCKS if facts.teacher.is_residual and facts.train >= IMAGES_FOR_DEPTH else 1
    blocks = _within(affordable / TEACHER_EPOCHS[1], (1, deepest))
    return _Teacher(_within(affordable / blocks, TEACHER_EPOCHS), blocks)


def _search_budget(kind: Kind, seconds: float, largest: float) -> float:
    """Budget of the search, in seconds of training.

    Where only some evaluations are wanted their number is the limit, and the budget a generous one: a search expects an
    evaluation to take as long as the longest so far, and does not begin one that it cannot afford.

    Args:
        kind: What the study does.
        seconds: Time of all workers.
        largest: Expected seconds of an evaluation of the largest candidate.
    """
    return _rounded(seconds / SEARCH_OVERHEAD if kind is Kind.SEARCH else 4 * FEW_SEARCHED * largest)


def _pool_size(kind: Kind, wishes: Wishes, time: float) -> int:
    """Architectures that the search chooses from; fewer where each has to be measured first."""
    pool = POOL if kind is Kind.SEARCH else FEW_POOL
    if wishes.max_latency_ms is None:
        return pool
    return _within(MEASURED_SHARE * time / SECONDS_A_MEASUREMENT, (SMALLEST_POOL, pool))


def _time_of_trainings(facts: Facts, wishes: Wishes, final_seconds: float) -> float:
    """Wall time of all trainings, in seconds: what the budget leaves, or what the wanted final trainings ask for."""
    fixed = sum(FIXED_SECONDS.values())
    if wishes.budget_seconds is None:
        shares = FEW_SHARES if facts.agreement < LEAST_AGREEMENT else SHARES
        return min(final_seconds / shares["final"], LONGEST_UNASKED - fixed)
    return max(wishes.budget_seconds - fixed, wishes.budget_seconds / 2)


def _ranking(facts: Facts, passes: float) -> _Ranking:
    """How many networks are compared, and at which fidelities, in the time of some passes over all training images."""
    low = _low_fidelities(facts)
    for candidates in range(CANDIDATES[1], CANDIDATES[0] - 1, -1):
        a_candidate = SHARES["evaluation"] * passes / candidates
        epochs = math.floor(a_candidate / _passes_an_epoch(low))
        if facts.agreement >= LEAST_AGREEMENT and epochs >= FULL_EPOCHS[0]:
            full = min(epochs, FULL_EPOCHS[1])
            return _Ranking(Kind.SEARCH, candidates, full, {name: _low_epochs(name, full) for name in low})
    kind = Kind.FEW_IMAGES if facts.agreement < LEAST_AGREEMENT else Kind.LITTLE_TIME
    epochs = _within(FEW_SHARES["evaluation"] * passes / FEW_CANDIDATES, FEW_EPOCHS)
    return _Ranking(kind, FEW_CANDIDATES, epochs, {})


def _low_fidelities(facts: Facts) -> tuple[str, ...]:
    """The two smallest subsets that have enough images."""
    enough = [
        name
        for name, part in SUBSETS.items()
        if facts.train / part >= SMALLEST_SUBSET and facts.smallest_class / part >= IMAGES_PER_CLASS
    ]
    return tuple(enough[:2])


def _low_epochs(name: str, full_epochs: int) -> int:
    """Epochs at a low fidelity: a third of the image passes of the target fidelity at most, in no more epochs."""
    return max(2, min(full_epochs, math.floor(full_epochs * SUBSETS[name] / 9)))


def _passes_an_epoch(low: Sequence[str]) -> float:
    """Passes over all images of a candidate's evaluations, for each epoch of the target fidelity."""
    if not low:
        return 1 + 1 / SHORT_PART
    return 1 + len(LOW_DISTILLATIONS) * sum(min(1.0, SUBSETS[name] / 9) / SUBSETS[name] for name in low)


def _only(limit: str, wishes: Wishes) -> dict[str, Any]:
    return {name: value for name, value in wishes.limits.items() if name == limit}


def _within(number: float, bounds: tuple[int, int]) -> int:
    return int(min(max(number, bounds[0]), bounds[1]))


def _rounded(seconds: float) -> float:
    """Seconds with two significant digits or more, for a file that a person reads."""
    return float(max(1, round(seconds)))
