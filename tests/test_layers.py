"""The layers hold: run as a test, so that a wrong import fails at once."""

import subprocess
import sys

import pytest

from tests.circles import circles, imports


def test_import_contracts_hold(project):
    lint = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr
    assert "0 broken" in lint.stdout


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("mf_nas_kd.search", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.benchmarks.replays", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.spaces", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.statistics", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.devices", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.surrogates", ["torch", "kedro", "mlflow"]),
        ("mf_nas_kd.studies.training_evaluator", ["kedro", "mlflow"]),
    ],
)
def test_a_package_loads_without_what_it_must_not_import(package, absent):
    code = f"import sys, {package}; sys.exit(' '.join(n for n in {absent} if n in sys.modules) or 0)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, f"importing {package} loads {loaded.stderr}"


def test_no_two_files_import_each_other(project):
    assert circles(imports(project / "src")) == []


def test_a_circle_would_be_found(tmp_path):
    for name, text in {
        "a": "import p.b",
        "b": "if False:\n    from p import c",
        "c": "def f():\n    import p.a",
    }.items():
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / f"{name}.py").write_text(text)
    (tmp_path / "p" / "__init__.py").write_text("import p.a")
    assert circles(imports(tmp_path)) == [["p.a", "p.b", "p.c"]]
