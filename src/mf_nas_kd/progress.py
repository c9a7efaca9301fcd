"""The progress bar of all long computations."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(what: str, total: float, shown: bool = True, delay_seconds: float = 0.0) -> tqdm[Any]:
    """Make a progress bar with the finished percentage, the elapsed time and the remaining time.

    Args:
        what: Name of what is counted, in front of the bar.
        total: Sum of all arguments of ``update`` at the end.
        shown: Whether the bar is shown at all.
        delay_seconds: Time until the bar appears; what ends sooner shows none.

    Returns:
        The bar, to be used in a ``with`` statement.
    """
    return tqdm(
        total=total,
        disable=not shown,
        delay=delay_seconds,
        bar_format=what + " {percentage:3.0f}% |{bar:30}| {elapsed} elapsed, about {remaining} left{postfix}",
        mininterval=0.5 if sys.stderr.isatty() else 15,  # in a log file every update stays as a line of its own
        dynamic_ncols=True,
    )
