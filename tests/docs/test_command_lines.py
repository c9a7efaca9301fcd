"""Each command line in the README and the pages names options, environments, pipelines and parameters that exist.

Nothing is run: lines are read by the program's own parser, and their parameters are checked by its models.
"""

import re
import shlex
import shutil
from functools import cache

import click
import pytest

from mf_nas_kd.cli import program
from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters, pipeline_names
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from tests.site import PAGES, PROJECT

BASE = "image_folder"
PLACEHOLDERS = {"DIR", "FILE", "NAME", "HOST", "ID", "STUDY"}


def code_lines(text):
    """Lines of code of a Markdown text: continued lines as one, variables replaced, comments left out."""
    variables = {}
    text = re.sub(r"\\\n\s*", "", text)
    for line in text.splitlines():
        stripped = line.strip()
        assigned = re.fullmatch(r"([A-Z])=(\S+)", stripped)
        if assigned:
            variables[assigned[1]] = assigned[2]
        for name, value in variables.items():
            stripped = stripped.replace(f"${name}", value)
        if (line.startswith("    ") or "`" not in line) and re.match(
            r"(\.venv/bin/)?(kedro run|mf-nas-kd|make) ?", stripped
        ):
            yield stripped
    yield from re.findall(r"`((?:kedro run|mf-nas-kd|make) [^`]*)`", text)


def commands():
    for page in PAGES:
        for line in dict.fromkeys(code_lines(page.read_text(encoding="utf-8"))):
            yield pytest.param(line, id=f"{page.stem}: {line[:60]}")


def made_environments(text):
    """Environments that a page tells to make."""
    return set(re.findall(r"(?:cp -r conf/\w+|mkdir) conf/(\w+)", text))


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    """The configuration, with the environments that pages make."""
    folder = tmp_path_factory.mktemp("project") / "conf"
    shutil.copytree(PROJECT / "conf", folder)
    for page in PAGES:
        for name in made_environments(page.read_text(encoding="utf-8")):
            if not (folder / name).exists():
                shutil.copytree(folder / BASE, folder / name)
    return folder


@cache
def check_parameters(conf, environment, text):
    """Refuse what a run would refuse: names that do not exist, and values that are not allowed."""
    (option,) = [option for option in program.commands["run"].params if option.name == "params"]
    given = option.callback(click.Context(program.commands["run"]), option, text)
    loader = ProjectConfigLoader(str(conf), env=environment, runtime_params=given, **CONFIG_LOADER_ARGS)
    checked_parameters(loader)


def parsed(words):
    """The options of a command line, as click reads them; files need not exist."""
    command = program.commands.get(words[0])
    assert command is not None, f"there is no command {words[0]}"
    context = click.Context(command, info_name=words[0])
    options, _, _ = command.make_parser(context).parse_args(list(words[1:]))
    return options


@pytest.mark.parametrize("line", commands())
def test_a_command_line_can_be_read(line, conf):
    words = shlex.split(line, comments=True)
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets)
        return
    if not rest or rest[0] in {"COMMAND", "<command>", "..."}:
        return
    options = parsed(rest)
    environment = options.get("env")
    if environment and environment not in PLACEHOLDERS:
        allowed = {each.name for each in conf.iterdir() if each.is_dir()}
        assert environment in allowed
    assert set(filter(None, (options.get("pipelines") or "").split(","))) <= set(pipeline_names())
    if options.get("params") and "NAME=" not in options["params"]:
        check_parameters(conf, environment or "base", options["params"])


def test_there_are_many_command_lines():
    assert len(list(commands())) > 60
