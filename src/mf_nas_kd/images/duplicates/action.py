"""What is done with images that show the same picture."""

from __future__ import annotations

from typing import Literal

DuplicatesAction = Literal["auto", "keep_on_one_side", "report", "ignore"]
"""``keep_on_one_side``: copies are a group that no split tears; training images of which a given validation or test
split has a copy are left out. ``report``: they are listed only. ``ignore``: none are looked for. ``auto``:
``keep_on_one_side``, but ``report`` for sources with published splits."""

PUBLISHED_SPLITS = frozenset({"cifar10", "cifar100"})
"""Sources with splits on which everybody reports accuracies: images that are left out would make these incomparable."""


def action_for(action: DuplicatesAction, source: str) -> DuplicatesAction:
    """The action for a source.

    >>> action_for("auto", "image_folder"), action_for("auto", "cifar10"), action_for("ignore", "cifar10")
    ('keep_on_one_side', 'report', 'ignore')
    """
    if action != "auto":
        return action
    return "report" if source in PUBLISHED_SPLITS else "keep_on_one_side"
