"""Tables of the things that the configuration names, and the one way in which these things declare their options.

A table is a plain mapping from a name to a class. Every class has an attribute ``Options``: a pydantic model without
defaults for what changes results. The annotations :class:`NameIn` and :class:`OptionsOf` have names and options checked
when the configuration is read, and give editors their JSON schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from mf_nas_kd.errors import UnknownNameError

T = TypeVar("T")


class Options(BaseModel):
    """Base of the options of everything that the configuration names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NoOptions(Options):
    """Options of a class that has no options."""


class Configurable(Protocol):
    """A class in a table that declares options.

    Attributes:
        Options: The model of the options.
    """

    @property
    def Options(self) -> Any:  # noqa: N802 (it is a class)
        """The model of the options, a class derived from ``BaseModel``."""


C = TypeVar("C", bound=Configurable)


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``; an unknown name raises and lists the known ones.

    Args:
        table: A plain mapping, such as those in the ``__init__`` of a package.
        name: The name from the configuration.
        kind: What the table holds (``search.strategy``), for the message.

    Raises:
        UnknownNameError: If ``name`` is not in ``table``.

    >>> lookup({"digits": 10}, "digits", "images.source")
    10
    """
    if name not in table:
        raise UnknownNameError(kind, name, table)
    return table[name]


def configured(
    table: Mapping[str, C], name: str, options: Mapping[str, Any] | BaseModel, kind: str
) -> tuple[C, BaseModel]:
    """Look up a name and validate its options.

    Args:
        table: Classes with an attribute ``Options``, by their names.
        name: The name from the configuration.
        options: The fields of the options; or the options themselves, which are returned as they are.
        kind: What the table holds (``search.strategy``), for the message.

    Returns:
        The class, and an instance of its ``Options``.

    Raises:
        UnknownNameError: If ``name`` is not in ``table``.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
    """
    entry = lookup(table, name, kind)
    return entry, entry.Options.model_validate(options)


@dataclass(frozen=True)
class NameIn:
    """Annotation of a text that must be a name in a table.

    Attributes:
        table: Anything by its name.
        kind: Place in the configuration (``images.source``), for the message.

    >>> from typing import Annotated
    >>> from pydantic import TypeAdapter
    >>> TypeAdapter(Annotated[str, NameIn({"digits": 10}, "images.source")]).validate_python("digits")
    'digits'
    """

    table: Mapping[str, Any]
    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "enum": sorted(self.table)}

    def _known(self, name: str) -> str:
        lookup(self.table, name, self.kind)
        return name


@dataclass(frozen=True)
class OptionsOf:
    """Annotation of a mapping from names in a table to the options of what is there.

    Each name's options become an instance of the model that the table's class declares; an error names the place of
    the option (``options.digits.x``). A name may be left out.

    Attributes:
        table: Classes with an attribute ``Options``, by their names.
        kind: Place in the configuration (``images.options``), for the message.

    >>> from typing import Annotated
    >>> from pydantic import TypeAdapter
    >>> class Circle:
    ...     class Options(Options):
    ...         radius: float
    >>> adapter = TypeAdapter(Annotated[Mapping[str, Options], OptionsOf({"circle": Circle}, "shape.options")])
    >>> adapter.validate_python({"circle": {"radius": 2}})["circle"].radius
    2.0
    """

    table: Mapping[str, Configurable]
    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        fields = {
            name: core_schema.typed_dict_field(handler.generate_schema(entry.Options), required=False)
            for name, entry in self.table.items()
        }
        options = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        return core_schema.no_info_before_validator_function(self._known, options)

    def _known(self, options: Any) -> Any:
        for name in options if isinstance(options, Mapping) else ():
            lookup(self.table, name, self.kind)
        return options


@dataclass(frozen=True)
class OptionsFor:
    """Annotation of the options of one thing in a table, whose name is in an earlier field of the same model.

    Attributes:
        table: Classes with an attribute ``Options``, by their names.
        field: The field with the name.

    >>> from typing import Annotated
    >>> class Circle:
    ...     class Options(Options):
    ...         radius: float
    >>> SHAPES = {"circle": Circle}
    >>> class Drawing(BaseModel):
    ...     shape: Annotated[str, NameIn(SHAPES, "drawing.shape")]
    ...     options: Annotated[Options, OptionsFor(SHAPES, "shape")]
    >>> Drawing(shape="circle", options={"radius": 2}).options.radius
    2.0
    """

    table: Mapping[str, Configurable]
    field: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models: list[CoreSchema | tuple[CoreSchema, str]] = [
            handler.generate_schema(entry.Options) for entry in self.table.values()
        ]
        return core_schema.with_info_before_validator_function(self._validated, core_schema.union_schema(models))

    def _validated(self, options: Any, info: ValidationInfo) -> Any:
        name = str(info.data.get(self.field))  # absent if it was refused
        return self.table[name].Options.model_validate(options) if name in self.table else options
