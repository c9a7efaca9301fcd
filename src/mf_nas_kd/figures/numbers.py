"""Numbers as texts for people: per cent, percentage points, counts with a unit prefix.

A number that is not known, None or not-a-number, is an empty text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

PREFIXES = ((1e9, " G"), (1e6, " M"), (1e3, " k"))


def is_known(value: Any) -> bool:
    """Whether a value is a number, and not missing."""
    return value is not None and not math.isnan(value)


def percent(fraction: Any, decimals: int = 1) -> str:
    """A fraction in per cent.

    >>> percent(0.98437), percent(0.98437, decimals=2), percent(None)
    ('98.4 %', '98.44 %', '')
    """
    return f"{100 * fraction:.{decimals}f} %" if is_known(fraction) else ""


def percent_with_interval(fraction: Any, low: Any, high: Any, decimals: int = 1) -> str:
    """A fraction in per cent, with the ends of its interval.

    >>> percent_with_interval(0.984, 0.97, 0.99)
    '98.4 % [97.0, 99.0]'
    """
    ends = f" [{100 * low:.{decimals}f}, {100 * high:.{decimals}f}]" if is_known(low) and is_known(high) else ""
    return f"{percent(fraction, decimals)}{ends}"


def points_with_interval(difference: Any, low: Any, high: Any, signed: bool = False, decimals: int = 1) -> str:
    """A difference of two fractions in percentage points, with the ends of its interval, without the unit.

    >>> points_with_interval(0.012, 0.004, 0.02, signed=True)
    '+1.2 [0.4, 2.0]'
    """
    if not is_known(difference):
        return ""
    value = f"{100 * difference:{'+' if signed else ''}.{decimals}f}"
    ends = f" [{100 * low:.{decimals}f}, {100 * high:.{decimals}f}]" if is_known(low) and is_known(high) else ""
    return f"{value}{ends}"


def short_count(count: float) -> str:
    """A count with three digits and a unit prefix.

    >>> short_count(1_234_567), short_count(34_567), short_count(999_999), short_count(999)
    ('1.23 M', '34.6 k', '1.00 M', '999')
    """
    rounded = float(f"{count:.3g}")
    for size, prefix in PREFIXES:
        if rounded >= size:
            return f"{rounded / size:.{2 - int(math.log10(rounded / size))}f}{prefix}"
    return f"{count:.0f}"


def counted(number: int, noun: str) -> str:
    """A number with its noun in the plural where it needs it.

    >>> counted(1, "seed"), counted(3, "seed")
    ('1 seed', '3 seeds')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(texts: Sequence[str]) -> str:
    """Texts as a list in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def training_text(epochs: Any, distillation: Any) -> str:
    """How a network was trained; an empty text where nothing is known of it.

    >>> training_text(60, "none"), training_text(60, "kd")
    ('60 epochs, plain', '60 epochs, distilled (kd)')
    """
    if not is_known(epochs):
        return ""
    return f"{counted(int(epochs), 'epoch')}, {'plain' if distillation == 'none' else f'distilled ({distillation})'}"
