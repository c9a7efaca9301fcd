"""Pickles that hold nothing but dictionaries, lists, texts and numbers, read without running what they could contain.

References:
    Python's library reference, pickle, "Restricting Globals": a pickle that looks up no global can call nothing.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, NoReturn

from mf_nas_kd.benchmarks.files import without_password
from mf_nas_kd.errors import BenchmarkFileError

PLAIN = (dict, list, tuple, str, int, float, bool, type(None))


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to an object outside of the file")


def plain_value(content: bytes, url: str) -> Any:
    """The value in a pickle.

    Args:
        content: The file.
        url: Its name, for the message.

    Raises:
        BenchmarkFileError: If it is damaged, is no pickle, or holds anything but plain values.
    """
    try:
        _refuse_large_memo(content)
        value = _PlainUnpickler(io.BytesIO(content)).load()
        _refuse_other_values(value, len(content))
    except Exception as failure:  # a damaged pickle can raise nearly anything
        raise BenchmarkFileError(
            f"{without_password(url)} is damaged, or not a file of the benchmark: {failure}; allowed is a pickle of "
            "dictionaries, lists, texts and numbers, and nothing else is loaded"
        ) from failure
    return value


def _refuse_large_memo(content: bytes) -> None:
    """A few bytes can ask for a memo of any size, which the unpickler then allocates."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise pickle.UnpicklingError(f"it asks to remember {argument} values in {len(content)} bytes")


def _refuse_other_values(value: Any, most: int) -> None:
    """Look at every value; a container that is used again and again, or holds itself, counts each time.

    Args:
        value: Any.
        most: No file has more values than bytes, unless it multiplies them.
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
