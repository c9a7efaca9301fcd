"""Loading of pickles of dictionaries, lists, texts and numbers; code in a pickle is never executed.

References:
    Python's library reference, pickle, "Restricting Globals": a pickle without globals cannot call any function.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, NoReturn

from mf_nas_kd.benchmarks.files import without_password
from mf_nas_kd.errors import BenchmarkFileError

PLAIN = (dict, list, tuple, str, int, float, bool, type(None))
"""Types that a pickle may hold."""


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
        _refuse_large_memo(content)
        value = _PlainUnpickler(io.BytesIO(content)).load()
        _refuse_other_values(value, len(content))
    except Exception as failure:  # a damaged pickle can raise errors of nearly any kind
        raise BenchmarkFileError(
            f"{without_password(url)} is damaged, or not a file of the benchmark: {failure}; allowed is a pickle of "
            "dictionaries, lists, texts and numbers, and nothing else is loaded"
        ) from failure
    return value


def _refuse_large_memo(content: bytes) -> None:
    """Refuse a pickle of a few bytes that lets the unpickler allocate a memo of any size."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument is not None and argument > len(content):
            raise pickle.UnpicklingError(f"it demands a memo of {argument} values in {len(content)} bytes")


def _refuse_other_values(value: Any, most: int) -> None:
    """Refuse values of other types, and values that refer to themselves or repeat their parts too often.

    A container is counted once for every reference to it.

    Args:
        value: Any value.
        most: Largest number of values: the size of the file in bytes, since each value takes at least one byte.
    """
    waiting, seen = [value], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if type(value) not in PLAIN:
            raise pickle.UnpicklingError(f"it holds a value of the type {type(value).__name__}")
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple)):
            waiting += value
        if seen + len(waiting) > most:
            raise pickle.UnpicklingError("it holds more values than bytes")
