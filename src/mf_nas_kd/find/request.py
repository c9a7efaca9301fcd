"""What the user asks ``find`` for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mf_nas_kd.planning.wishes import Wishes
from mf_nas_kd.project import study_name


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes:
        images: Folder of class folders.
        study: Folder of the study; None for one beside the current folder, named after the images.
        wishes: Limits, budget and choices.
        dry_run: Whether to end with the plan.
        replan: Whether to make a plan anew where the study has one.
        command: The command line, for the study's README.
    """

    images: Path
    study: Path | None
    wishes: Wishes
    dry_run: bool
    replan: bool
    command: str

    @property
    def folder(self) -> Path:
        """Folder of the study, absolute."""
        return (self.study or Path(f"{study_name(self.images.absolute().name)}-study")).absolute()
