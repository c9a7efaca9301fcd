"""One kind of progress bar for all that takes long."""

from __future__ import annotations

import sys

from tqdm import tqdm


def progress_bar(what: str, total: float, shown: bool = True, delay_seconds: float = 0.0) -> tqdm:
    """A bar with the share that is done, the time gone and the time left; use it in a ``with`` statement.

    Args:
        what: What is counted.
        total: What ``update`` adds up to.
        shown: Whether there is a bar at all.
        delay_seconds: What ends sooner shows none.
    """
    return tqdm(
        total=total,
        disable=not shown,
        delay=delay_seconds,
        bar_format=what + " {percentage:3.0f}% |{bar:30}| {elapsed} gone, about {remaining} left{postfix}",
        mininterval=0.5 if sys.stderr.isatty() else 15,  # a line in a file is for ever
        dynamic_ncols=True,
    )
