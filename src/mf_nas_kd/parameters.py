"""Reading and checking of the configuration: every parameter has a known name, its type, and an allowed value."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from kedro.pipeline import Node, Pipeline
from kedro.validation import ParameterValidationError
from omegaconf import OmegaConf
from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails
from yaml import YAMLError

from mf_nas_kd import pipelines
from mf_nas_kd.configuration import SUFFIXES, BoundedConfigLoader
from mf_nas_kd.errors import (
    CommandLineError,
    ConfigurationFileError,
    InvalidValueError,
    UnknownNameError,
    close_names,
    did_you_mean,
    shown,
)
from mf_nas_kd.nested import merged
from mf_nas_kd.paths import absolute, name_project

PREFIX = "params:"

RUNTIME_ONLY = {"data_dir", "images_dir", "published_dir", "nas_bench_201_csv", "store_url", "mlflow_run_id"}
"""Parameters of the command line that are paths, addresses or identifiers, and not parameters of a node."""

RENAMED = {
    "training.recipe": "training.hyper_parameters",
    "teacher.recipe": "teacher.hyper_parameters",
    "training.views": "augmentation.options.crop_flip",
    "training.views.views_per_image": "augmentation.options.crop_flip.rows",
    "training.teacher_memory_gib": "training.target_cache_gib",
    "training.balanced_ratio": "training.gradient_norm_ratio",
    "training.distillation": "distillation",
    "augmentation.name.identity": "augmentation.name.none",
    "augmentation.options.identity": "augmentation.options.none",
    "search.options": "strategies",
    "executor.dask": "executor.options.dask",
    "benchmark.strategies.hf_gp_free": "benchmark.strategies.hf_gp_proxies",
    "benchmark.strategies.two_stage_free": "benchmark.strategies.two_stage_proxies",
}
"""Parameters of earlier versions and names among their values, and what they are called now."""

KINDS = {
    "bool": "true or false",
    "date": "a date",
    "dict": "a mapping from names to values",
    "finite_number": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "a mapping from names to values",
    "model": "a mapping from names to values",
    "none": "null",
    "path": "a path",
    "string": "text",
    "tuple": "a list",
}
"""What pydantic's errors of type say, by the first word of their types (``int_parsing``, ``model_type``)."""

COMMAND_LINE = "--params"
PROBLEMS_SHOWN = 3


@dataclass(frozen=True)
class Layer:
    """One source of parameters; a later one has precedence.

    Attributes:
        where: ``conf/base``, ``conf/<environment>`` or ``COMMAND_LINE``.
        values: Its parameters.
    """

    where: str
    values: Mapping[str, Any]


class InvalidParametersError(InvalidValueError, ParameterValidationError):
    """Parameters do not exist, are missing, or have values that they may not have.

    Args:
        message: Everything that is wrong, in one line.
    """

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


class UnknownParameterError(InvalidParametersError, CommandLineError):
    """A parameter of the command line does not exist."""


class ProjectConfigLoader(BoundedConfigLoader):
    """Kedro's loader of configuration; parameters that are paths are absolute (:func:`mf_nas_kd.paths.absolute`)."""

    def __init__(self, conf_source: str, *arguments: Any, **options: Any) -> None:
        name_project(Path(conf_source).parent)  # what relative paths are relative to
        super().__init__(conf_source, *arguments, **options)

    def __getitem__(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = super().__getitem__(key)
        return _with_absolute_paths(found) if key == "parameters" else found

    def layers(self) -> list[Layer]:
        """The sources of parameters, each without the others: ``conf/base``, the environment, the command line."""
        given, self.runtime_params = self.runtime_params or {}, {}
        self._register_runtime_params_resolver()
        try:
            found = []
            for name in dict.fromkeys([self.base_env, self.env or self.default_run_env]):
                folder, patterns = Path(self.conf_source) / name, self.config_patterns["parameters"]
                values = self.load_and_merge_dir_config(str(folder), patterns, "parameters", set())
                found.append(Layer(f"conf/{name}", values))
        finally:
            self.runtime_params = given
        return [*found, Layer(COMMAND_LINE, given)]


@dataclass(frozen=True)
class _Problem:
    """What is wrong with one parameter.

    Attributes:
        path: Names of the parameter and of what it is in.
        message: The whole sentence, which begins with the dotted name.
        allowed: End of the sentence "... but must be"; empty for other sentences.
        is_unknown: Whether there is no such parameter.
    """

    path: tuple[str, ...]
    message: str
    allowed: str = ""
    is_unknown: bool = False


def pipeline_names() -> list[str]:
    """Names of the pipelines, which are those of their folders."""
    return sorted(module.name for module in pkgutil.iter_modules(pipelines.__path__) if module.ispkg)


def all_pipelines() -> dict[str, Pipeline]:
    """All pipelines by their names, whichever are to run."""
    return {name: import_module(f"{pipelines.__name__}.{name}").create_pipeline() for name in pipeline_names()}


def parameter_models(nodes: Iterable[Node]) -> dict[str, type[BaseModel]]:
    """Models of the parameters that nodes take, by their names in the configuration."""
    models = {}
    for node in nodes:
        arguments = inspect.signature(node.func, eval_str=True).parameters.values()
        for name, argument in zip(node.inputs, arguments, strict=True):
            if name.startswith(PREFIX):
                models[name.removeprefix(PREFIX)] = argument.annotation
    return dict(sorted(models.items()))


def checked_parameters(loader: ProjectConfigLoader) -> dict[str, Any]:
    """The parameters of all pipelines, those that will not run included, each as an instance of its model.

    Args:
        loader: Loader of the configuration, with the parameters of the command line.

    Raises:
        UnknownParameterError: If the command line gives a parameter that does not exist.
        InvalidParametersError: If a parameter of a file does not exist, or any is missing or has a value that it may
            not have.
    """
    models = parameter_models(node for pipeline in all_pipelines().values() for node in pipeline.nodes)
    layers = loader.layers()
    _refuse(_lists_for_mappings(layers), layers)
    configured = loader["parameters"]
    problems = [*_unknown_at_the_top(layers, models)]
    valid: dict[str, Any] = {}
    for name, model in models.items():
        if name not in configured:
            problems.append(_Problem((name,), f"{name} is missing"))
            continue
        try:
            valid[name] = model.model_validate(configured[name])
        except ValidationError as failure:
            problems += _problems(failure, (name,), configured)
    nulls = {problem.path: problem for problem in _nulls_of_nothing(layers)}
    if not problems:
        problems = [problem for path, problem in nulls.items() if not isinstance(_at(valid, path[:-1]), BaseModel)]
    _refuse([nulls.get(problem.path, problem) for problem in problems], layers)
    return valid


def unreadable(conf: Path, environment: str | None) -> ConfigurationFileError | None:
    """The error of the first file of the configuration that cannot be read, with its line; None if all can.

    Args:
        conf: Folder of all environments.
        environment: Name of the environment; None for ``local``.
    """
    folders = [conf / "base", conf / (environment or "local")]
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in SUFFIXES):
        try:
            if not OmegaConf.is_dict(OmegaConf.load(file)):
                return ConfigurationFileError(f"{file} must be a mapping from names to values")
        except YAMLError as failure:
            mark = getattr(failure, "problem_mark", None)
            line = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
            return ConfigurationFileError(f"{file}{line}: {getattr(failure, 'problem', None) or failure}")
        except Exception as failure:  # what else a text may be wrong in: encodings, keys, interpolations
            return ConfigurationFileError(f"{file}: {failure}")
    return None


def validation_message(failure: ValidationError, name: str, value: Any) -> str:
    """What is wrong with one value, in one line.

    Args:
        failure: The error of a model.
        name: Dotted name of what was validated.
        value: What was validated, as it was read.
    """
    path = tuple(name.split("."))
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    return "; ".join(problem.message for problem in _problems(failure, path, nested))


def _refuse(problems: Iterable[_Problem], layers: Sequence[Layer]) -> None:
    """Raise one error for all problems, if there are any."""
    found = list(problems)
    if not found:
        return
    sources = [_source(problem, layers) for problem in found]
    lines = [
        problem.message if source == COMMAND_LINE else f"{problem.message} (in {source})"
        for problem, source in zip(found, sources, strict=True)
    ]
    more = [f"and {len(lines) - PROBLEMS_SHOWN} more"] if len(lines) > PROBLEMS_SHOWN else []
    mistyped = any(
        problem.is_unknown and source == COMMAND_LINE for problem, source in zip(found, sources, strict=True)
    )
    raise (UnknownParameterError if mistyped else InvalidParametersError)("; ".join(lines[:PROBLEMS_SHOWN] + more))


def _source(problem: _Problem, layers: Sequence[Layer]) -> str:
    """The uppermost layer that has something at the problem's place, or in what it is in."""
    for length in range(len(problem.path), 0, -1):
        for layer in reversed(layers):
            if _has(layer.values, problem.path[:length]):
                return layer.where
    return layers[0].where


def _lists_for_mappings(layers: Sequence[Layer]) -> Iterator[_Problem]:
    """Lists where a lower layer has a mapping, and the other way round, which cannot be merged."""
    below: Mapping[str, Any] = {}
    for layer in layers:
        for path, value in _everything(layer.values):
            known = _at(below, path)
            for kind, other, wanted in ((list, Mapping, "a mapping by names"), (Mapping, list, "a list")):
                if isinstance(value, kind) and isinstance(known, other):
                    yield _problem(path, value, f"{wanted}, as in {layers[0].where}")
        below = merged(below, layer.values)


def _unknown_at_the_top(layers: Sequence[Layer], models: Mapping[str, Any]) -> Iterator[_Problem]:
    """Parameters that no node takes."""
    for layer in layers:
        of_command_line = RUNTIME_ONLY if layer.where == COMMAND_LINE else set()
        for name, value in layer.values.items():
            if name in RUNTIME_ONLY and not of_command_line:
                yield _Problem((name,), f"{name} is a parameter of the command line only: --params={name}=...")
            elif name not in models and name not in of_command_line:
                yield _unknown((name,), value, {**layers[0].values, **dict.fromkeys(of_command_line)})


def _nulls_of_nothing(layers: Sequence[Layer]) -> Iterator[_Problem]:
    """Nulls, which leave a value out, for names that no lower layer has."""
    below: Mapping[str, Any] = {}
    for layer in layers:
        for path, value in _everything(layer.values):
            parent = _at(below, path[:-1])
            is_new = isinstance(parent, Mapping) and path[-1] not in parent and path[0] not in RUNTIME_ONLY
            if value is None and layer is not layers[0] and is_new:
                yield _unknown(path, value, below)
        below = merged(below, layer.values)


def _problems(failure: ValidationError, above: tuple[str, ...], configuration: Any) -> list[_Problem]:
    """What a model refused; the errors of a union's parts about one value are one problem."""
    found: dict[tuple[str, ...], _Problem] = {}
    for error in failure.errors():
        for problem in _problems_of(error, above, configuration):
            same = found.get(problem.path)
            if same is None:
                found[problem.path] = problem
            elif same.allowed and problem.allowed and problem.allowed not in same.allowed:
                value = _at(configuration, problem.path)
                found[problem.path] = _problem(problem.path, value, f"{same.allowed}, or {problem.allowed}")
    inner = set(chain.from_iterable(_prefixes(path) for path in found))
    return [problem for path, problem in found.items() if path not in inner]


def _problems_of(error: ErrorDetails, above: tuple[str, ...], configuration: Any) -> list[_Problem]:
    """The problems that one of pydantic's errors stands for."""
    kind = error["type"]
    path = _path_of(error["loc"], above, configuration, keep_last=kind in ("missing", "extra_forbidden"))
    cause = error.get("ctx", {}).get("error")
    if kind == "missing":
        return [_Problem(path, f"{'.'.join(path)} is missing")]
    if kind == "extra_forbidden":
        return [_unknown(path, error["input"], configuration)]
    if isinstance(cause, ValidationError):
        return _problems(cause, path, configuration)
    if isinstance(cause, InvalidValueError):
        return [_problem_of_ours(cause, path, error["input"])]
    message = error["msg"].removeprefix("Value error, ")
    if kind.partition("_")[0] in KINDS:
        return [_problem(path, error["input"], KINDS[kind.partition("_")[0]])]
    if message.startswith("Input should be "):
        return [_problem(path, error["input"], message.removeprefix("Input should be "))]
    return [_Problem(path, f"{'.'.join(path)} is {_as_written(error['input'])}: {message}")]


def _problem_of_ours(cause: InvalidValueError, path: tuple[str, ...], value: Any) -> _Problem:
    """A problem that a validator of this package describes, with its place in the configuration."""
    name = ".".join(path)
    now = RENAMED.get(f"{cause.what}.{cause.received}") if isinstance(cause, UnknownNameError) else None
    if now is not None:
        return _Problem(path, f"{name} is {shown(cause.received)}, which is now {now.rpartition('.')[2]}")
    if isinstance(value, type(cause.received)) and value == cause.received:
        return _problem(path, value, cause.allowed)
    if cause.what.partition(".")[0] == path[0]:
        return _Problem(path, str(cause))
    return _Problem(path, f"{name}.{cause}" if cause.what.isidentifier() else f"{name}: {cause}")


def _problem(path: tuple[str, ...], value: Any, allowed: str) -> _Problem:
    return _Problem(path, f"{'.'.join(path)} is {_as_written(value)}, but must be {allowed}", allowed)


def _unknown(path: tuple[str, ...], value: Any, configuration: Any) -> _Problem:
    """A parameter that does not exist, with what may have been meant."""
    name = ".".join(path)
    for length in range(len(path), 0, -1):
        now = RENAMED.get(".".join(path[:length]))
        if now is not None:
            return _Problem(path, f"{name} is now {'.'.join((now, *path[length:]))}", is_unknown=True)
    siblings = _at(configuration, path[:-1])
    known = [other for other in siblings if other != path[-1]] if isinstance(siblings, Mapping) else []
    close = [".".join((*path[:-1], other)) for other in close_names(path[-1], known)]
    elsewhere = [".".join(other) for other, _ in _everything(configuration) if other[-1] == path[-1] and other != path]
    there = f"{'.'.join(path[:-1]) or 'the configuration'} has {', '.join(sorted(known)) or 'none'}"
    message = f"{name} ({_as_written(value)}) is not a parameter: {there}{did_you_mean(close or elsewhere)}"
    return _Problem(path, message, is_unknown=True)


def _as_written(value: Any) -> str:
    return "null" if value is None else shown(value)


def _path_of(
    location: Sequence[int | str], above: tuple[str, ...], configuration: Any, keep_last: bool
) -> tuple[str, ...]:
    """Names of an error's place; pydantic puts names of a union's parts among them, which are left out."""
    path, value = above, _at(configuration, above)
    for index, part in enumerate(location):
        is_there = _has(value, (str(part),))
        if is_there or (keep_last and index == len(location) - 1):
            path = (*path, str(part))
            value = _at(value, (str(part),))
    return path


def _prefixes(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[:length] for length in range(1, len(path))]


def _everything(values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every parameter, mappings included, by its path."""
    for name, value in values.items():
        yield (*above, str(name)), value
        if isinstance(value, Mapping):
            yield from _everything(value, (*above, str(name)))


def _has(values: Any, path: tuple[str, ...]) -> bool:
    absent = object()
    return _at(values, path, absent) is not absent


def _at(values: Any, path: Sequence[str], absent: Any = None) -> Any:
    """What is at a path in nested mappings, lists and models."""
    for name in path:
        if isinstance(values, RootModel):
            values = values.root
        if isinstance(values, BaseModel):
            values = getattr(values, name, absent)
        elif isinstance(values, Mapping):
            values = next((value for key, value in values.items() if str(key) == name), absent)
        elif isinstance(values, list) and name.isdecimal() and int(name) < len(values):
            values = values[int(name)]
        else:
            return absent
    return values.root if isinstance(values, RootModel) else values


def _with_absolute_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make the paths among the parameters absolute, in place; values that are no text are left to the models."""
    sources = _at(parameters, ("images", "options"))
    folders = [(each, "folder") for each in sources.values()] if isinstance(sources, Mapping) else []
    files = [(parameters.get("teacher"), "weights"), (_at(parameters, ("images", "group")), "csv")]
    for holder, name in [*files, *folders]:
        if isinstance(holder, dict) and isinstance(holder.get(name), str) and holder[name]:
            holder[name] = absolute(holder[name])
    return parameters
