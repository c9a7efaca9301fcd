"""The plan of a study, in its folder: parameters that may be edited, and what else is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from mf_nas_kd.errors import CommandLineError, InvalidValueError
from mf_nas_kd.files import written_whole
from mf_nas_kd.find.request import Request
from mf_nas_kd.planning.plan import Plan
from mf_nas_kd.seeding import fingerprint

PLAN = Path("conf/local/parameters.yml")
KNOWN = Path("find.json")


@dataclass(frozen=True)
class KnownPlan:
    """What is known of a plan besides its parameters.

    Attributes:
        images: Absolute path of the folder of images.
        options: Options of the command line that it was made for.
        seconds: Expected time of each stage, in seconds.
        lines: What the user was told.
        parameters: Fingerprint of the file of parameters as it was written.
    """

    images: str
    options: str
    seconds: Mapping[str, float]
    lines: Sequence[str]
    parameters: str


def write_plan(folder: Path, plan: Plan, lines: Sequence[str], request: Request) -> KnownPlan:
    """Write a plan into the folder of a study.

    Args:
        folder: Folder of the study.
        plan: The plan.
        lines: What the user is told of it, for the head of the file.
        request: What it was made for.
    """
    told = [f"The plan of `{request.command}`. Any parameter of conf/base may be stated here.", *lines]
    head = "".join(f"# {line}".rstrip() + "\n" for line in told)
    values = yaml.safe_dump(dict(plan.parameters), sort_keys=False, default_flow_style=None, width=120)
    text_of_plan = f"{head}{values}"
    known = KnownPlan(
        str(request.images.absolute()),
        request.wishes.options,
        dict(plan.seconds),
        list(lines),
        fingerprint([text_of_plan]),
    )
    for name, text in ((PLAN, text_of_plan), (KNOWN, json.dumps(asdict(known), indent=1))):
        with written_whole(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return known


def known_plan(folder: Path, request: Request) -> KnownPlan | None:
    """What is known of the study's plan; None if it has none, or a new one is asked for: the old one is kept beside it.

    Raises:
        InvalidValueError: If the study is one of other images.
        CommandLineError: If the plan was made for other options.
    """
    if not (folder / KNOWN).is_file() or not (folder / PLAN).is_file():
        return None
    known = KnownPlan(**json.loads((folder / KNOWN).read_text(encoding="utf-8")))
    if known.images != str(request.images.absolute()):
        raise InvalidValueError("--study", str(folder), f"another folder: the study there is one of {known.images}")
    if request.replan:
        (folder / PLAN).replace(folder / PLAN.with_name(f"plan_{(folder / PLAN).stat().st_mtime_ns}.old"))
        return None
    if request.wishes.options not in ("", known.options):
        raise CommandLineError(
            f"the study {folder} was planned with {known.options or 'no options'}, and not with "
            f"{request.wishes.options}: add --replan for a new plan, or --study for another folder"
        )
    return known


def is_edited(folder: Path, known: KnownPlan) -> bool:
    """Whether the plan's parameters were changed after they had been written."""
    return fingerprint([(folder / PLAN).read_text(encoding="utf-8")]) != known.parameters
