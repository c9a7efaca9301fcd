"""The code that MLflow keeps with a model, so that it runs where this project is not installed."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

PROJECT = "mf_nas_kd"
PACKAGE = "mf_nas_kd_model"
"""Name of the package of the copied modules: another one than the project's, so that neither hides the other."""

SERVED = "served_model"
MODULES = {
    f"tracking/{SERVED}.py": f"{SERVED}.py",
    "image_files/__init__.py": "image_files/__init__.py",
    "image_files/decoding.py": "image_files/decoding.py",
    "image_files/opening.py": "image_files/opening.py",
    "files.py": "files.py",
}
"""The module that defines the model, and those that it needs, with their places in the package."""

LOADER = f"{PACKAGE}.{SERVED}"
"""The module whose ``_load_pyfunc`` MLflow calls."""


def write_package(folder: Path) -> Path:
    """Write the package of the code of a served model into a folder.

    Returns:
        The folder of the package.
    """
    package = folder / PACKAGE
    (package / "image_files").mkdir(parents=True)
    (package / "__init__.py").touch()
    for module, place in MODULES.items():
        text = resources.files(PROJECT).joinpath(module).read_text()
        (package / place).write_text(re.sub(rf"\b{PROJECT}\b", PACKAGE, text))
    return package
