"""Entry point of ``python -m mf_nas_kd`` and ``mf-nas-kd``: the commands of :mod:`mf_nas_kd.cli`."""

from __future__ import annotations

from typing import Any

from mf_nas_kd.paths import name_logging_file
from mf_nas_kd.quiet import silence_imports


def main(*args: Any, **kwargs: Any) -> Any:
    """Run a command."""
    silence_imports()
    name_logging_file()
    from mf_nas_kd.cli import program  # imports Kedro, which reads the file

    return program(*args, **kwargs)


if __name__ == "__main__":
    main()
