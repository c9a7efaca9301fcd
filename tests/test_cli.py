"""What a person sees who mistypes something: one line, an exit status, no traceback."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib

import click
import mlflow
import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import configure_project
from kedro.io import DatasetError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from mf_nas_kd.cli import cli
from mf_nas_kd.errors import CommandLineError, InvalidValueError, StoreError
from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters
from mf_nas_kd.refusals import explained
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from tests.conftest import PROJECT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(PROJECT)
    configure_project("mf_nas_kd")


def refused(*arguments, status):
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == status, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


COMMAND_LINES = [
    (["--env=smok"], "--env is 'smok', but must be one of: base, .*smoke; did you mean smoke"),
    (["--env=../conf/smoke"], "--env is '../conf/smoke', but must be one of"),
    (["--pipelines=dta"], "--pipelines is 'dta', but must be one of: .*data.*; did you mean data"),
    (["--pipelines=data,evalution"], "--pipelines is 'evalution', but .*did you mean evaluation"),
    (["--pipeline=techer"], "'techer', but must be one of: .*did you mean teacher"),
    (["--nodes=data.load_image"], "--nodes is 'data.load_image', but .*did you mean data.load_images"),
    (["--pipelines=data", "--from-nodes=report.write_report"], "--from-nodes is 'report.write_report', but must be one of"),
    (["--to-nodes=x"], "--to-nodes is 'x', but must be one of: benchmark"),
    (["--tags=slow"], "--tags is 'slow', but must be left out: there are none"),
    (["--from-inputs=image"], "--from-inputs is 'image', but .*did you mean images"),
    (["--to-outputs=winer"], "--to-outputs is 'winer', but .*did you mean winner"),
    (["--load-versions=winer:2026-01-01T00.00.00.000Z"], "--load-versions is 'winer', but .*did you mean winner"),
    (["--load-versions=winner"], "load_versions"),
    (["--runner=Sequential"], "--runner is 'Sequential', but must be one of: ParallelRunner, SequentialRunner"),
    (["--conf-source=/no/such/folder"], "'/no/such/folder' does not exist"),
    (["--config=/no/such/file"], "'/no/such/file' does not exist"),
    (["--parms=search.seed=1"], "No such option.*--parms.*--params"),
    (["--verbos"], "No such option.*--verbos"),
    (["data"], "No such command 'data'"),
    (["run", "data"], "unexpected extra argument .data."),
    (["rnu"], "No such command 'rnu'.*run"),
    (["--params=search.seed"], "`search.seed` must contain a key and a value"),
    (["--params=="], "key cannot be an empty string"),
    (["--params=search.seed=1,search.seed=2"], "--params gives search.seed and search.seed"),
    (["--params=search.low=null,search.low.widths.a=1"], "--params gives search.low and search.low.widths.a"),
    (["--params=data_dir=/a,b"], "`b` must contain a key and a value"),
    (["--params=serach.seed=3"], r"serach \(\{'seed': 3\}\) is not a parameter: .*did you mean search"),
    (["--params=budget_seconds=3"], "budget_seconds .3. is not a parameter: .*did you mean .*search.budget_seconds"),
    (["--params=search.stratgy=hf_gp"], "search.stratgy .'hf_gp'. is not a parameter: search has .*did you mean search.strategy"),
    (["--pipelines=data", "--params=search.stratgy=hf_gp"], "search.stratgy .'hf_gp'. is not a parameter"),
    (["--params=training.recipe.learning_rate=0.1"], "training.recipe is now training.hyper_parameters"),
    (["--params=executor.dask.scheduler=x"], "executor.dask is now executor.options.dask"),
    (["--params=evaluation.low.schedules.nineth=null"], r"schedules.nineth \(null\) is not .*has ninth, third, .*mean evaluation.low.schedules.ninth"),
    (["--params=evaluation.low.widths.hole=null"], r"evaluation.low.widths.hole \(null\) is not a parameter: .*has whole"),
    (["--params=distillation.foo=null"], r"distillation.foo \(null\) is not a parameter: distillation has attention"),
    (["--params=benchmark.strategies.best=null"], r"benchmark.strategies.best \(null\) is not a parameter: .*has asynchronous_halving"),
    (["--params=benchmark.tasks.macs_26=null"], r"benchmark.tasks.macs_26 \(null\) .*did you mean benchmark.tasks.macs_25"),
    (["--params=evaluation.low.schedules.third.epoch=3"], "third.epoch .3. is not a parameter: .*did you mean .*third.epochs"),
    (["--params=benchmark.strategies.mf_kd.options.drws=3"], "benchmark.strategies.mf_kd.options.drws .3. is not a parameter"),
]  # fmt: skip
"""Names that do not exist, and what cannot be read: exit status 2."""

VALUES = [
    ("search.budget_seconds=abc", "search.budget_seconds is 'abc', but must be a number"),
    ("search.budget_seconds=-1", "search.budget_seconds is -1, but must be greater than 0"),
    ("search.strategy=mfkd", "search.strategy is 'mfkd', but must be one of: .*did you mean mf_kd"),
    ("search=null", "search is null, but must be a mapping"),
    ("search.max_macs=many", "search.max_macs is 'many', but must be a whole number"),
    ("teacher.epochs=1.5", "teacher.epochs is 1.5, but must be a whole number"),
    ("executor.workers=0", "executor.workers is 0, but must be greater than 0"),
    ("executor.kind=threads", "executor.kind is 'threads', but must be one of: dask, inline, processes"),
    ("evaluation.low=", "evaluation.low is null, but must be a mapping"),
    ("evaluation.low.distillation.nts=false", "evaluation.low.distillation is 'nts', but must be one of: .*did you mean nst"),
    ("final.distillation.nts=true", "final.distillation is .nts., but must be one of: .*did you mean nst"),
    ("final.distillation.none=false", "final.distillation.* plain trainings are compared with the teacher"),
    ("evaluation.low.schedules=[a]", "evaluation.low.schedules is .'a'., but must be a mapping by names"),
    ("evaluation.low.schedules.third.train_fraction=2/0", "third.train_fraction is '2/0', but must be a fraction"),
    ("evaluation.low.image_sizes.half=x", "evaluation.low.image_sizes.half is 'x', but must be at least 1 pixel, or own"),
    ("evaluation.low.distillation=rkdd", "evaluation.low.distillation is 'rkdd', .*did you mean rkd"),
    ("distillation.kd.options.temperature=-1", "distillation.kd.options.temperature is -1, but must be above 0"),
    ("distillation.kd.loss_weight=x", "distillation.kd.loss_weight is 'x', but must be a number, or 'gradient_norm'"),
    ("augmentation.options.crop_flip.rows=99", "augmentation.options.crop_flip.rows is 99, but must be at most 9"),
    ("augmentation.name=identity", "augmentation.name is 'identity', which is now none"),
    ("augmentation.options.identity.x=1", "augmentation.options is 'identity', which is now none"),
    ("augmentation.options.strong.area=0.5", "augmentation.options.strong.area is 0.5, but must be two numbers"),
    ("space.choices.mobilenet_v2.stages.0.stride=1", "stages is .*, but must be a list, as in conf/base"),
    ("images_dir=/tmp", "images_dir, with images.source 'digits', is '/tmp'"),
    ("data_dir=", "data_dir is '', but must be a local folder"),
    ("data_dir=s3://bucket", "data_dir is 's3://bucket', but must be a local folder"),
    ("data_dir=/dev/null", "data_dir is '/dev/null', but must be a folder"),
    ("data_dir=/dev/null/study", "data_dir is '/dev/null/study', but must be a folder, and '/dev/null' is a file"),
]  # fmt: skip
"""Values that are not allowed: exit status 1."""


@pytest.mark.parametrize(("arguments", "message"), COMMAND_LINES, ids=lambda value: str(value)[:50])
def test_a_name_that_does_not_exist_is_one_line_and_status_2(arguments, message):
    line = refused(*arguments, status=2)
    assert re.search(message, line), line


@pytest.mark.parametrize(("parameter", "message"), VALUES, ids=lambda value: str(value)[:50])
def test_a_value_that_is_not_allowed_is_one_line_and_status_1(parameter, message):
    line = refused("run", "--env=smoke", f"--params={parameter}", status=1)
    assert re.search(message, line), line


def test_a_stage_before_its_predecessor_names_the_command(tmp_path):
    line = refused("--env=smoke", "--pipelines=teacher", f"--params=data_dir={tmp_path}", status=1)
    assert line.endswith(
        f"{tmp_path}/1_images/images.safetensors is not there: run the pipeline that saves it first: "
        "kedro run --env=smoke --pipelines=data"
    )


@pytest.fixture
def conf(tmp_path):
    """A copy of the configuration, to be spoilt."""
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "mine").mkdir()
    return tmp_path / "conf"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("mine/parameters.yml", "search:\n  seed: 1\n  low: [1,\n", r"mine/parameters.yml, line \d+, column \d+: "),
        ("mine/parameters.yml", "search: {seed: 1}\nsearch: {seed: 2}\n", "mine/parameters.yml, line 2, column 1: found duplicate key search"),
        ("mine/parameters.yml", "- search\n", "mine/parameters.yml must be a mapping from names to values"),
        ("mine/parameters.yml", b"search: {strategy: \xff}\n", "mine/parameters.yml: .*utf-8"),
        ("mine/globals.yml", "study: [\n", r"mine/globals.yml, line \d+, column \d+: "),
        ("mine/catalog.yml", "images: {type: }}\n", r"mine/catalog.yml, line 1, column \d+: "),
        ("mine/parameters.yml", "search: {low: '${globals:nothing}'}\n", "configuration cannot be read: Globals key 'nothing' not found"),
        ("mine/parameters.yml", "serach: {seed: 1}\n", r"serach .* is not a parameter: .*did you mean search.* \(in conf/mine\)"),
        ("mine/parameters.yml", "search: {sed: 1}\n", r"search.sed .1. is not a parameter: .*did you mean search.seed\? \(in conf/mine\)"),
        ("mine/parameters.yml", "search: {seed: x}\n", r"search.seed is 'x', but must be a whole number \(in conf/mine\)"),
        ("mine/parameters.yml", "data_dir: /tmp\n", r"data_dir is a parameter of the command line only: --params=data_dir=.* \(in conf/mine\)"),
        ("mine/parameters.yml", "evaluation: {low: {schedules: {nineth: null}}}\n", r"schedules.nineth \(null\) is not a parameter"),
        ("mine/parameters.yml", "training: {recipe: {learning_rate: 1}}\n", "training.recipe is now training.hyper_parameters"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_names_the_file(conf, file, text, message):
    (conf / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    line = refused(f"--conf-source={conf}", "--env=mine", status=1)
    assert re.search(message, line), line


def test_a_new_entry_may_have_nulls(conf):
    """Only a null by itself, which leaves something out, needs a name that exists."""
    new = "benchmark: {strategies: {botorch: {strategy: botorch_multi_fidelity, low: null}}}\n"
    (conf / "mine" / "parameters.yml").write_text(new)
    loader = ProjectConfigLoader(str(conf), env="mine", **CONFIG_LOADER_ARGS)
    assert checked_parameters(loader)["benchmark"].entries["botorch"].low is None


def caused(error, cause):
    error.__cause__ = cause
    return error


DISK_FULL = OSError(28, "No space left on device", "/data/winner.json")

ERRORS = [
    (InvalidValueError("search.seed", 1, "2"), "search.seed is 1, but must be 2", 1),
    (CommandLineError("no such thing"), "no such thing", 2),
    (caused(DatasetError("Failed while loading data from dataset X(a=1).\nboo"), StoreError("the store is damaged")), "the store is damaged", 1),
    (caused(DatasetError("Failed while saving data to dataset X(a=1).\nboo"), DISK_FULL), "/data/winner.json: No space left on device", 1),
    (DatasetError("images: /x is not there:\n run the data pipeline"), "images: /x is not there: run the data pipeline", 1),
    (PermissionError(13, "Permission denied", "/data"), "/data: Permission denied", 1),
    (OperationalError("SELECT 1", {}, Exception("database is locked")), "a database refused: database is locked", 1),
    (MlflowException("no such run\nat all"), "MLflow refused: no such run at all (its address is in conf/base/mlflow.yml, or in MLFLOW_TRACKING_URI)", 1),
    (FileExistsError(17, "File exists", "/data"), "/data: a file is where a folder is needed", 1),
    (MemoryError(), "out of memory: this machine has too little", 1),
    (KeyError("x"), "unexpected KeyError: 'x'; run again with --verbose for the traceback", 1),
    (ValueError("a\x1b[31mb"), "unexpected ValueError: a\\x1b[31mb; run again with --verbose for the traceback", 1),
    (click.UsageError("no such option"), "no such option", 2),
    (KeyboardInterrupt(), "interrupted; what finished is stored; run the same command to go on", 130),
]  # fmt: skip


@pytest.mark.parametrize(("error", "line", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_of_any_package_is_one_line(error, line, status):
    assert explained(error) == (line, status)


@pytest.mark.parametrize(("error", "line", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_a_run_that_raises_ends_with_one_line(monkeypatch, error, line, status):
    def fail(**_):
        raise error

    monkeypatch.setattr(kedro_run, "callback", fail)
    assert refused("run", "--env=smoke", status=status) == f"Error: {line}"


def test_verbose_and_a_log_file_have_the_traceback(monkeypatch, tmp_path):
    def fail(**_):
        raise KeyError("x")

    monkeypatch.setattr(kedro_run, "callback", fail)
    handler = logging.FileHandler(tmp_path / "run.log")
    logging.getLogger("mf_nas_kd").addHandler(handler)
    try:
        result = CliRunner().invoke(cli, ["run", "--env=smoke", "--verbose"])
    finally:
        logging.getLogger("mf_nas_kd").removeHandler(handler)
        handler.close()
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.splitlines()[-1].startswith("Error: unexpected KeyError: 'x'")
    assert "Traceback" in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("status", [("KILLED", KeyboardInterrupt()), ("FAILED", KeyError("x"))])
def test_a_run_that_ends_early_is_not_finished_in_mlflow(monkeypatch, mlflow_database, status):
    expected, error = status

    started = []

    def fail(**_):
        mlflow.set_tracking_uri(mlflow_database)
        started.append(mlflow.start_run(experiment_id="0").info.run_id)
        raise error

    monkeypatch.setattr(kedro_run, "callback", fail)
    done = CliRunner().invoke(cli, ["run", "--env=smoke"])
    left = mlflow.active_run()
    mlflow.end_run()
    assert started, done.output
    found = mlflow.get_run(started[0]).info.status
    mlflow.set_tracking_uri(None)
    assert left is None
    assert found == expected


def test_without_the_name_of_a_command_the_options_are_those_of_run(monkeypatch):
    seen = []
    monkeypatch.setattr(kedro_run, "callback", lambda **options: seen.append(options))
    for arguments in (["--env=smoke"], ["run", "--env=smoke"]):
        assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert seen[0] == seen[1]
    assert seen[0]["env"] == "smoke"
    assert CliRunner().invoke(cli, ["--env=smoke", "--pipeline=data"]).stderr == ""
    assert seen[2]["pipelines"] == ["data"]
    assert "run" in CliRunner().invoke(cli, ["--help"]).output


def test_a_command_that_is_added_gets_the_same_treatment():
    @cli.command("fails")
    def fails():
        raise StoreError("the store is damaged")

    try:
        assert refused("fails", status=1) == "Error: the store is damaged"
        assert "Traceback" in CliRunner().invoke(cli, ["fails", "--verbose"]).stderr
    finally:
        del cli.commands["fails"]


def test_run_has_every_option_of_kedro():

    ours = {option.name for option in cli.commands["run"].params}
    assert {option.name for option in kedro_run.params} | {"verbose"} == ours


ENTRIES = {
    "kedro": ["-m", "kedro", "run"],
    "module": ["-m", "mf_nas_kd"],
    "script": ["-c", "import sys; from mf_nas_kd.__main__ import main; sys.exit(main())", "run"],
}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The metadata that an installation makes, with the plugin of pyproject.toml; an older one lacks it."""
    folder = tmp_path_factory.mktemp("plugin")
    entries = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["entry-points"]["kedro.init"]
    (folder / "plugin-1.dist-info").mkdir()
    (folder / "plugin-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    lines = ["[kedro.init]", *(f"{name} = {value}" for name, value in entries.items())]
    (folder / "plugin-1.dist-info" / "entry_points.txt").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("argument", "status", "message"),
    [
        ("--env=smok", 2, "--env is 'smok', but must be one of"),
        ("--params=search.seed=x", 1, "search.seed is 'x', but must be a whole number"),
    ],
)
def test_every_entry_says_one_line_and_nothing_else(plugin, entry, argument, status, message):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KEDRO", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT / "src"), str(plugin)])
    command = [sys.executable, *ENTRIES[entry], argument]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(re.match(r"\d\d:\d\d:\d\d INFO    Kedro project", line) for line in done.stdout.splitlines())


def test_a_command_works_in_another_folder(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    environment.pop("KEDRO_LOGGING_CONFIG", None)
    command = [sys.executable, "-m", "mf_nas_kd", "--env=smoke", "--pipelines=teacher", "--params=data_dir=no_study"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"Error: {PROJECT}/no_study/1_images/images.safetensors is not there")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_of_batch_systems_and_closed_terminals_interrupt(monkeypatch, name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    monkeypatch.setattr(kedro_run, "callback", lambda **_: signal.raise_signal(number))
    done = CliRunner().invoke(cli, ["run", "--env=smoke"])
    assert (done.exit_code, done.stderr) == (130, f"Error: {explained(KeyboardInterrupt())[0]}\n")
    assert signal.getsignal(number) is before
