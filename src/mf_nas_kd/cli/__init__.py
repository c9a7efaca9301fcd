"""Commands of the project, for ``kedro <command>``, ``mf-nas-kd <command>`` and ``python -m mf_nas_kd <command>``.

A command has the class :class:`~mf_nas_kd.cli.group.Command`: it gets ``--verbose``, and whatever it raises is one line
on stderr and an exit status (:mod:`mf_nas_kd.refusals`). Those of ``program`` alone make a study: they are no commands
of Kedro, whose ``new`` is another one.
"""

from __future__ import annotations

from mf_nas_kd.cli.group import HELP_OPTIONS, Commands
from mf_nas_kd.cli.run import run
from mf_nas_kd.cli.study import find, new
from mf_nas_kd.cli.tools import log_missing, measure, predict

__all__ = ["cli", "program"]

SUMMARY = "The best small CNN for your own images, within a budget."
SETTINGS = {"help_option_names": list(HELP_OPTIONS)}

cli = Commands("mf-nas-kd", help=SUMMARY, context_settings=SETTINGS)
"""Commands in a project; Kedro looks for this name."""

program = Commands("mf-nas-kd", help=SUMMARY, context_settings=SETTINGS)
"""Commands of ``mf-nas-kd``."""

for command in (run, predict, measure, log_missing):
    cli.add_command(command)
for each in (find, new, *cli.commands.values()):
    program.add_command(each)
