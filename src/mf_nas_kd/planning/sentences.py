"""What a person is told of a plan: what was found, how long it takes, and what to expect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from mf_nas_kd.planning.choices import ImageChoices
from mf_nas_kd.planning.plan import FEW_NETWORKS, Facts, Kind, Plan
from mf_nas_kd.planning.quantities import duration

NORMAL = 1.96  # two-sided 95 % quantile
HIGH_ACCURACY, LOW_ACCURACY = 0.9, 0.6  # at which the width of an interval is told


WIDTH = 100  # characters of a line


def description(facts: Facts, plan: Plan, images: ImageChoices, limits: Mapping[str, Any]) -> list[str]:
    """Everything that a person is told of a plan, as lines."""
    table = list(stages(plan, limits))
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    return [
        "",
        "Found",
        *_items(found(facts, images)),
        "",
        f"Plan: about {duration(plan.total_seconds)} on this machine, {facts.workers} trainings at a time",
        *(f"  {name:<{widths[0]}}  {what:<{widths[1]}}  {time}" for name, what, time in table),
        "",
        "Expect",
        *_items(expected(facts, plan)),
    ]


def _items(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")]


def found(facts: Facts, images: ImageChoices) -> Iterator[str]:
    """What the images are."""
    total = facts.train + facts.validation + facts.test
    yield (
        f"{total:,} images of {facts.classes} classes: {facts.train:,} to train, {facts.validation:,} to choose "
        f"(validation), {facts.test:,} to report (test)"
    )
    colours = "in colour" if images.channels == 3 else "grey"
    size = images.image_size
    smallest, largest = facts.smallest_class, facts.largest_class
    sizes = f"classes have {f'{smallest:,} to {largest:,}' if smallest < largest else f'{largest:,}'} training images"
    yield f"networks see them at {size}x{size} pixels, {colours}; {sizes}"
    if images.is_balanced:
        yield "the sizes of the classes differ much: balanced accuracy chooses, and small classes have larger weights"
    if images.mirror:
        yield "mirrored images are trained on; where a mirrored image shows something else, give --no-mirror"


def expected(facts: Facts, plan: Plan) -> Iterator[str]:
    """What to expect of the study."""
    best, worst = (100 * NORMAL * math.sqrt(p * (1 - p) / facts.test) for p in (HIGH_ACCURACY, LOW_ACCURACY))
    yield (
        f"{facts.test:,} test images give the accuracy to +-{best:.1f} points if it is about 90 %, to +-{worst:.1f} if "
        "it is about 60 %"
    )
    points = 100 * NORMAL * facts.noise
    agreement = (
        f"an order of networks by {facts.validation:,} validation images is expected to agree with the true one by "
        f"Kendall's tau {facts.agreement:.2f} at most (1: the same, 0: none)"
    )
    if plan.kind is Kind.FEW_IMAGES:
        yield (
            f"with so few images ranking is mostly luck: {agreement}, so {FEW_NETWORKS} networks are trained long "
            "instead"
        )
    elif plan.kind is Kind.LITTLE_TIME:
        yield (
            f"the time does not allow to compare many networks, so {FEW_NETWORKS} are trained long instead; "
            "a longer --budget allows a search"
        )
    else:
        yield (
            f"{facts.validation:,} validation images tell two networks apart that differ by {points:.1f} points or "
            f"more; {agreement}"
        )
        yield (
            "the report says how well cheap trainings ranked the networks here, and whether the search was better than "
            "networks that one would take without it"
        )


def stages(plan: Plan, limits: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each stage: its name, what it does, and how long it takes."""
    values = plan.parameters
    evaluation, search, final = values["evaluation"], values["search"], values["final"]
    low = [name for name, schedule in evaluation["low"]["schedules"].items() if schedule]
    distillations = sum(evaluation["low"]["distillation"].values())
    count = len(low) * distillations
    grid = f", and {count} low {'fidelity' if count == 1 else 'fidelities'} of each"
    told = ", ".join(f"{name} {value:,}" for name, value in limits.items())
    blocks = values["teacher"].get("options", {}).get("residual", {}).get("blocks", 1)
    deeper = f" with {blocks} blocks a stage" if blocks > 1 else ""
    pool = f"{search['strategy']}, among {search['pool_size']:,} more networks"
    if search["strategy"] != "mf_kd":
        pool = f"the {search['budget_evaluations']} costliest of {search['pool_size']} networks, often the best ones"
    described = {
        "teacher": f"a larger network to distil from{deeper}, {values['teacher']['epochs']} epochs",
        "evaluation": f"{values['candidates']['count']} networks, {evaluation['full']['epochs']} epochs{grid}",
        "search": f"{pool}{f' with {told}' if told else ''}",
        "final": (
            f"{final['finalists']} finalists and reference networks, {final['epochs']} epochs, "
            f"up to {final['seeds']} seeds"
        ),
    }
    for name, what in described.items():
        yield name, what, duration(plan.seconds[name])
    rest = sum(seconds for name, seconds in plan.seconds.items() if name not in described)
    yield "the rest", "reading images, statistics, ONNX export, report", duration(rest)
