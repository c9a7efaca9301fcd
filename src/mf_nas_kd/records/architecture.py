"""An architecture as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records.fields import Column, Record, Role, value_in
from mf_nas_kd.seeding import canonical_json

COLUMNS = (
    Column("space", str, Role.SUBJECT),
    Column("architecture_id", str, Role.SUBJECT),
    Column("architecture", str, Role.SUBJECT, long=True),
)


@dataclass(frozen=True)
class Architecture(Record):
    """One network of a space, independent of images and weights.

    >>> architecture = Architecture.of("nas_bench_201", stem=4, cells_per_stage=1, cell="|nor_conv_3x3~0|")
    >>> Architecture.from_row(architecture.to_row()) == architecture
    True

    Attributes:
        space: Name of the space, which is also the name of the builder of its networks; of a reference that belongs to
            no search space, the name of the builder alone.
        specification: Canonical JSON of the fields that the builder is called with. Use :meth:`of` to make one.
    """

    space: str
    specification: str

    @classmethod
    def of(cls, space: str, **fields: Any) -> Architecture:
        """Make an architecture from the fields of its builder."""
        return cls(space, canonical_json(fields))

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        return COLUMNS

    def to_row(self) -> dict[str, Any]:
        return {"space": self.space, "architecture_id": self.id, "architecture": self.specification}

    @classmethod
    def from_row(cls, row: Any) -> Architecture:
        return cls(str(value_in(row, "space")), str(value_in(row, "architecture")))

    @property
    def fields(self) -> dict[str, Any]:
        """Fields of the architecture, with which its builder is called."""
        fields: dict[str, Any] = json.loads(self.specification)
        return fields

    @cached_property
    def id(self) -> str:
        """Stable name: equal for equal architectures, in every process and for ever."""
        return hashlib.sha256(f"{self.space}:{self.specification}".encode()).hexdigest()[:12]


def common_value(what: str, values: Iterable[Any]) -> Any:
    """The value that all architectures have.

    Raises:
        InvalidValueError: If they differ, or there is none.
    """
    different = sorted(set(values))
    if len(different) != 1:
        raise InvalidValueError(f"{what} of the architectures", different, "one, the same for all of them")
    return different[0]
