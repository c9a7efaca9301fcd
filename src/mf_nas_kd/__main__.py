"""Entry point of ``python -m mf_nas_kd`` and ``mf-nas-kd``: the commands of :mod:`mf_nas_kd.cli`."""

from __future__ import annotations

from typing import Any

from kedro.framework.project import configure_project

from mf_nas_kd.cli import cli


def main(*args: Any, **kwargs: Any) -> Any:
    """Run a command; without the name of one, ``run``."""
    configure_project(__package__)
    return cli(*args, **kwargs)


if __name__ == "__main__":
    main()
