"""Bounds of pickles, checked opcode by opcode before anything in them is built."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Container, Mapping
from typing import Any, BinaryIO

MOST_OPCODES = 1_000_000
"""Most opcodes of a pickle: each makes one value at most. The published benchmark has 34,000."""

MOST_HASHED = 1_000
"""Most values in a tuple, those of the tuples inside included, and in all keys beyond one a key: a hash visits them."""

LARGEST_KEY = 2**61 - 2
"""Larger whole numbers count as two values of a key: any number of them can have one hash."""

LONGEST_NAME = 200
"""Most characters of a global's name in a message."""

_PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
_GETS = ("GET", "BINGET", "LONG_BINGET")
_NEVER_WRITTEN = ("DUP", "INST", "OBJ", "NEXT_BUFFER", "READONLY_BUFFER")

_KEYS: Mapping[str, slice] = {
    "SETITEM": slice(1, 2),
    "SETITEMS": slice(None, None, 2),
    "DICT": slice(None, None, 2),
    "ADDITEMS": slice(None),
    "FROZENSET": slice(None),
}
"""Those of the values that an opcode takes whose hash is computed."""


def require_bounded(file: BinaryIO, size: int, allowed_globals: Container[str] | None = None) -> None:
    """Refuse the next pickle in a file if building it can exhaust memory, time or the interpreter's stack.

    Args:
        file: The file; afterwards it stands behind the pickle.
        size: Size of the file, in bytes.
        allowed_globals: Names of the globals that the pickle may refer to, ``module.name``; None for no check.

    Raises:
        pickle.UnpicklingError: If the pickle is refused.
        Exception: Errors of nearly any kind, if it is damaged.
    """
    # The stack holds, for each value, the number of values that its hash visits. That is one except for tuples: lists
    # and dictionaries have no hash. A tuple never changes, so that its number stays when it is read from the memo.
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[int, int] = {}
    hashed = 0
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file), start=1):
        name = opcode.name
        if count > MOST_OPCODES:
            raise pickle.UnpicklingError(f"it has more than {MOST_OPCODES:,} opcodes")
        if name in _NEVER_WRITTEN:
            raise pickle.UnpicklingError(f"it has the opcode {name}, which no pickler writes")
        if name == "GLOBAL" and allowed_globals is not None and argument.replace(" ", ".") not in allowed_globals:
            raise pickle.UnpicklingError(f"it refers to {argument.replace(' ', '.')[:LONGEST_NAME]}")
        if name == "MARK":
            marks.append(len(stack))
        elif name in _PUTS:
            index = len(memo) if argument is None else argument
            if index > size:
                raise pickle.UnpicklingError(f"it demands a memo of {index} values in {size} bytes")
            memo[index] = stack[-1]
        elif name in _GETS:
            stack.append(memo[argument])
        else:
            taken = _take(opcode, stack, marks)
            hashed += sum(taken[_KEYS[name]]) - len(taken[_KEYS[name]]) if name in _KEYS else 0
            visited = _visited_by_hash(name, argument, taken)
            if max(visited, hashed) > MOST_HASHED:
                raise pickle.UnpicklingError(f"it has a tuple of more than {MOST_HASHED:,} values, or such keys")
            stack += [visited] * len(opcode.stack_after)


def _take(opcode: Any, stack: list[int], marks: list[int]) -> list[int]:
    """Take from the stack what an opcode takes; returns what stood above the mark, or all of it if it takes no mark."""
    before = [each.name for each in opcode.stack_before]
    below = before.index("mark") if "mark" in before else 0
    start = marks.pop() if "mark" in before else len(stack) - len(before)
    if start - below < (marks[-1] if marks else 0):
        raise pickle.UnpicklingError("its stack is too small")
    taken = stack[start:]
    del stack[start - below :]
    return taken


def _visited_by_hash(name: str, argument: Any, taken: list[int]) -> int:
    """Number of values that the hash of what an opcode makes visits."""
    if name.startswith("TUPLE"):
        return 1 + sum(taken)
    return 2 if isinstance(argument, int) and abs(argument) > LARGEST_KEY else 1
