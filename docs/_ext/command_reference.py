"""Reference of the commands: what click knows of them."""

from __future__ import annotations

import click

from mf_nas_kd.cli import program


def commands_page() -> str:
    """The commands' text in MyST's Markdown: a section for each command, and an ``option`` for each option."""
    return "\n\n".join(_section(f"mf-nas-kd {name}", command) for name, command in program.commands.items())


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    texts = [f"## {name}", f"```{{program}} {name}\n```", f"```text\n{usage}\n```", _paragraphs(command.help or "")]
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    return "\n\n".join([*texts, *(_option(option, context) for option in options if not option.hidden)])


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    names, text = record if record else (", ".join(option.opts), option.help or "")
    return f"````{{option}} {names.replace(' / ', ', ')}\n\n{_paragraphs(text)}\n````"


def _paragraphs(text: str) -> str:
    """Help as Markdown: characters that have a meaning there stand for themselves."""
    plain = text.replace("\b", "").replace("``", "`").replace("<", "\\<").replace("*", "\\*").replace("[", "\\[")
    return "\n\n".join(" ".join(part.split()) for part in plain.split("\n\n"))
