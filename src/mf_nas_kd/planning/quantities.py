"""Amounts as people write them: ``5M`` multiply-accumulates, ``1h30m``."""

from __future__ import annotations

import re

from mf_nas_kd.errors import InvalidValueError

THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
SHORTEST_BUDGET = 60.0
MINUTE, HOUR = 60.0, 3600.0


def count_of(text: str, what: str) -> int:
    """A number with the suffix k, M, G, or none.

    Args:
        text: Such as ``5M`` or ``200k``.
        what: Name of the option, for the error.

    Raises:
        InvalidValueError: If it is no positive number.

    >>> count_of("5M", "--max-macs"), count_of("1.5k", "--max-macs"), count_of("30000", "--max-macs")
    (5000000, 1500, 30000)
    """
    found = re.fullmatch(r"(\d+(?:[._]\d+)*)\s*([kKmMgG]?)", text.strip())
    try:
        number = round(float(found[1]) * THOUSANDS[found[2].lower()]) if found else 0
    except ValueError:
        number = 0
    if number < 1:
        raise InvalidValueError(what, text, "a positive number, such as 5M, 200k or 30000")
    return number


def seconds_of(text: str, what: str) -> float:
    """A duration in seconds.

    Args:
        text: Numbers with the units s, m or min, h, d.
        what: Name of the option, for the error.

    Raises:
        InvalidValueError: If it is none, or shorter than a minute.

    >>> seconds_of("1h", "--budget"), seconds_of("1h30m", "--budget"), seconds_of("90 min", "--budget")
    (3600.0, 5400.0, 5400.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.lower())
    is_whole = re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)|\s", "", text.lower()) == ""
    known = all(unit in SECONDS for _, unit in parts)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts) if known and is_whole else 0.0
    if seconds < SHORTEST_BUDGET:
        raise InvalidValueError(what, text, "a duration of at least a minute, such as 20m, 1h30m or 2d")
    return seconds


def duration(seconds: float) -> str:
    """A duration for a person, rounded.

    >>> [duration(seconds) for seconds in (4, 50, 100, 610, 6000, 200000)]
    ['4 s', '50 s', '2 min', '10 min', '1 h 40 min', '2 d 7 h']
    """
    if seconds < 1.5 * MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    step = 5 if minutes < 600 else 30
    hours, rest = divmod(round(minutes / step) * step, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def short(number: float) -> str:
    """A count for a person.

    >>> [short(number) for number in (950, 10650, 75616, 3_240_000)]
    ['950', '10.7 k', '75.6 k', '3.24 M']
    """
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{suffix}"
    return f"{number:g}"
