"""External optimisers (of other projects) as strategies, to compare with.

Their packages come with the extra ``external`` and are imported when such a strategy is built, never before.
"""

from __future__ import annotations

from importlib.util import find_spec

from mf_nas_kd.errors import MissingPackageError


def require(package: str) -> None:
    """Check that a package of the extra can be imported.

    Raises:
        MissingPackageError: If it is not installed.
    """
    if find_spec(package) is None:
        what = f"search.strategy needs the package {package}, which is not installed"
        raise MissingPackageError(f"{what}: pip install 'mf-nas-kd[external]'")
