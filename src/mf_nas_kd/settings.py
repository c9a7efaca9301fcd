"""Settings of Kedro that differ from its defaults."""

from __future__ import annotations

import os

from mf_nas_kd.hooks import ProjectHooks
from mf_nas_kd.mlflow_hooks import MlflowCopies
from mf_nas_kd.parameters import ProjectConfigLoader
from mf_nas_kd.paths import absolute, sqlite_url, store_url
from mf_nas_kd.progress_hooks import StudyProgressHooks

HOOKS = (StudyProgressHooks(), ProjectHooks(), MlflowCopies())  # the last one is called first
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-mlflow")  # MlflowCopies makes their calls

CONFIG_LOADER_CLASS = ProjectConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # Environments state only the values that differ; by default they would replace a whole parameter.
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"project": absolute, "sqlite": sqlite_url, "store": store_url, "environment": os.environ.get},
}
