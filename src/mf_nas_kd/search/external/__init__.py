"""External optimisers (of other projects) as strategies, to compare with.

Their packages come with the extras ``external``, ``smac`` and ``syne_tune``. They are imported when such a strategy is
built, never before.
"""

from __future__ import annotations

from importlib.util import find_spec

from mf_nas_kd.errors import MissingPackageError


def require(package: str, extra: str = "external") -> None:
    """Check that a package of an extra can be imported.

    Args:
        package: Name of the module.
        extra: The extra of this project that installs it.

    Raises:
        MissingPackageError: If it is not installed.
    """
    if find_spec(package) is None:
        what = f"search.strategy needs the package {package}, which is not installed"
        raise MissingPackageError(f"{what}: pip install 'mf-nas-kd[{extra}]'")
