"""What happens around a run: parameters are checked as a whole and logged flat; at the end, where to look."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from mf_nas_kd import tracking
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import lookup

logger = logging.getLogger(__name__)

RUNTIME_ONLY = {"data_dir", "mlflow_run_id"}
"""Given on the command line to place a run, not to parametrise a node."""


class ProjectHooks:
    """Registered in ``settings.py``."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse a parameter that no node reads, before any node runs: it is a typing error."""
        known = {
            name.removeprefix("params:").partition(".")[0]
            for pipeline in pipelines.values()
            for name in pipeline.inputs()
            if name.startswith("params:")
        }
        for name in context.config_loader.runtime_params or {}:
            if name.partition(".")[0] not in known | RUNTIME_ONLY:
                raise InvalidValueError("a parameter of the command line", name, f"one of: {', '.join(sorted(known | RUNTIME_ONLY))}")

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Check what no single parameter can check of itself, and log the parameters under flat names."""
        parameters = {
            name.removeprefix("params:"): catalog.load(name) for name in pipeline.inputs() if name.startswith("params:")
        }
        _check_recipes(parameters)
        self._catalog = catalog
        tracking.log_parameters({name: _plain(value) for name, value in parameters.items()})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Copy pictures and the report to MLflow. (kedro-mlflow's artifact dataset gives versions a stamp of its own.)"""
        dataset = self._catalog.get(dataset_name)
        artifact = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        if artifact is not None:
            tracking.log_artifact(Path(dataset._get_load_path()), artifact["artifact_path"])

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Say where the results are."""
        if "report" not in pipeline.outputs():
            return
        winner = catalog.load("winner")
        report = Path(catalog.get("report")._get_load_path())
        logger.info("Report: %s", os.path.relpath(report))
        logger.info(
            "Winner: %s, test accuracy %.2f %%, validation %.2f %%, %s macs, %s params",
            winner["architecture_id"],
            100 * winner["test_accuracy"],
            100 * winner["val_accuracy"],
            f"{winner['macs']:,}",
            f"{winner['params']:,}",
        )
        logger.info("All trainings: mlflow ui --backend-store-uri %s", tracking.tracking_uri())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _check_recipes(parameters: Mapping[str, Any]) -> None:
    """Every fidelity names a distillation recipe that there is; the full one is plain and on all images."""
    if "training" not in parameters:
        return
    recipes = parameters["training"].distillation
    if "evaluation" in parameters:
        for name in (parameters["evaluation"].full.distillation, *parameters["evaluation"].low.distillation):
            lookup(recipes, name, "evaluation's distillation")
    if "search" in parameters:
        lookup(recipes, parameters["search"].low_fidelity.distillation, "search.low_fidelity.distillation")
