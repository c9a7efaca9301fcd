"""Loading of pickles of dictionaries, lists, texts and numbers; code in a pickle is never executed.

References:
    Python's library reference, pickle, "Restricting Globals": a pickle without globals cannot call any function.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn

from mf_nas_kd.benchmarks.files import without_password
from mf_nas_kd.errors import BenchmarkFileError
from mf_nas_kd.pickles import require_bounded

PLAIN = (dict, list, tuple, str, int, float, bool, type(None))
"""Types that a pickle may hold."""

MOST_VALUES = 1_000_000
"""Most values, each counted once for every reference to it."""

DEEPEST = 32
"""Most containers inside each other. The published benchmark has 6."""

LONGEST_TEXT = 1_000
"""Most characters of a text, all of them printable: texts are names, which become part of messages and pictures."""


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that refuses all globals and persistent objects."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it refers to {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to an object outside of the file")


def plain_value(content: bytes, url: str) -> Any:
    """Load the value in a pickle.

    Args:
        content: Content of the file.
        url: Path or URL of the file, for the message.

    Raises:
        BenchmarkFileError: If the file is damaged, is not a pickle, or holds a value of another type than ``PLAIN``.

    >>> plain_value(pickle.dumps({"cifar100": [0.5]}), "benchmark.pickle")
    {'cifar100': [0.5]}
    """
    try:
        require_bounded(io.BytesIO(content), len(content))
        value = _PlainUnpickler(io.BytesIO(content)).load()
        _refuse_other_values(value, min(len(content), MOST_VALUES))
    except Exception as failure:  # a damaged pickle can raise errors of nearly any kind
        raise BenchmarkFileError(
            f"{without_password(url)} is damaged, or not a file of the benchmark: {failure}; allowed is a pickle of "
            "dictionaries, lists, texts and numbers, and nothing else is loaded"
        ) from failure
    return value


def _refuse_other_values(value: Any, most: int) -> None:
    """Refuse values of other types, values that refer to themselves or repeat their parts too often, and long texts.

    A container is counted once for every reference to it.

    Args:
        value: Any value.
        most: Largest number of values; each takes at least one byte of the file.
    """
    level, seen = [value], 0
    for _ in range(DEEPEST):
        inside: list[Any] = []
        for each in level:
            _require_plain(each)
            if isinstance(each, dict):
                inside += [*each.keys(), *each.values()]
            elif isinstance(each, (list, tuple)):
                inside += each
            if seen + len(level) + len(inside) > most:
                raise pickle.UnpicklingError(f"it holds more values than bytes, or more than {MOST_VALUES:,}")
        seen, level = seen + len(level), inside
        if not level:
            return
    raise pickle.UnpicklingError(f"it holds more than {DEEPEST} containers inside each other")


def _require_plain(value: Any) -> None:
    if type(value) not in PLAIN:
        raise pickle.UnpicklingError(f"it holds a value of the type {type(value).__name__}")
    if isinstance(value, str) and not (len(value) <= LONGEST_TEXT and value.isprintable()):
        shown = ascii(value[:LONGEST_TEXT])
        raise pickle.UnpicklingError(f"it holds a text that is too long or cannot be printed: {shown}")
