"""What a person sees who mistypes something: one line, an exit status, no traceback."""

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from kedro.framework.project import configure_project
from kedro.io import DatasetError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from mf_nas_kd import cli as commands
from mf_nas_kd.cli import cli
from mf_nas_kd.errors import CommandLineError, InvalidValueError, StoreError
from mf_nas_kd.refusals import explained
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
    (["--params=benchmark.strategies.best=null"], r"benchmark.strategies.best \(null\) is not a parameter: .*has co_kriging"),
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
    ("evaluation.low.schedules=[a]", "evaluation.low.schedules is .'a'., but must be a mapping by names"),
    ("evaluation.low.schedules.third.train_fraction=2/0", "third.train_fraction is '2/0', but must be a fraction"),
    ("evaluation.low.image_sizes.half=x", "evaluation.low.image_sizes.half is 'x', but must be at least 1 pixel, or own"),
    ("evaluation.low.distillation=rkdd", "evaluation.low.distillation is 'rkdd', .*did you mean rkd"),
    ("distillation.kd.options.temperature=-1", "distillation.kd.options.temperature is -1, but must be above 0"),
    ("distillation.kd.loss_weight=x", "distillation.kd.loss_weight is 'x', but must be a number, or 'gradient_norm'"),
    ("augmentation.options.crop_flip.rows=99", "augmentation.options.crop_flip.rows is 99, but must be at most 9"),
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
