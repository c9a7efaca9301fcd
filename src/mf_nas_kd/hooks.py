"""What happens around a run: parameters are checked as a whole and logged flat; at the end, where to look."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from mf_nas_kd import tracking
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import lookup

logger = logging.getLogger(__name__)

RUNTIME_ONLY = {"data_dir", "images_dir", "published_dir", "nas_bench_201_csv", "mlflow_run_id"}
"""Given on the command line to say where something is, not to parametrise a node."""


class ProjectHooks:
    """Registered in ``settings.py``."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check what no single parameter can check of itself, before MLflow opens a run and before any node."""
        _require_known(context.config_loader)
        _require_consistent(context.params)
        _require_used(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the parameters under flat names."""
        self._catalog = catalog
        names = [name for name in pipeline.inputs() if name.startswith("params:")]
        tracking.log_parameters({name.removeprefix("params:"): _plain(catalog.load(name)) for name in names})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Copy pictures and the report to MLflow.

        Kedro-mlflow 2.0.3 has a dataset for this, but it gives versions a stamp of its own, which Kedro 1.7 refuses.
        """
        dataset: Any = self._catalog.get(dataset_name)
        artifact = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        if artifact is not None:
            tracking.log_artifact(Path(dataset._get_load_path()), artifact["artifact_path"])

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Say where the results are."""
        if "report" not in pipeline.outputs():
            return
        winner = catalog.load("winner")
        report: Any = catalog.get("report")
        logger.info("Report: %s", os.path.relpath(report._get_load_path()))
        logger.info(
            "Winner: %s, test accuracy %.2f %%, validation accuracy %.2f %%, %s macs, %s params",
            winner["architecture_id"],
            100 * winner["test_accuracy"],
            100 * winner["val_accuracy"],
            f"{winner['macs']:,}",
            f"{winner['params']:,}",
        )
        mlflow = os.path.relpath(Path(sys.executable).with_name("mlflow"))
        logger.info("All trainings: %s ui --backend-store-uri %s", mlflow, tracking.tracking_uri())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _require_known(loader: AbstractConfigLoader) -> None:
    """A parameter of the command line that the configuration does not have is a typing error."""
    given, loader.runtime_params = loader.runtime_params or {}, {}
    try:
        allowed = set(loader["parameters"]) | RUNTIME_ONLY
    finally:
        loader.runtime_params = given
    for name in given:
        if name.partition(".")[0] not in allowed:
            raise InvalidValueError("a parameter of the command line", name, f"one of: {', '.join(sorted(allowed))}")


def _require_used(context: KedroContext) -> None:
    """A folder of images that nobody would look at is a mistake."""
    given = (context.config_loader.runtime_params or {}).get("images_dir")
    images = _plain(context.params["images"])
    if given is not None and images["source"] != "image_folder":
        allowed = "absent, or images.source image_folder (as in --env=image_folder)"
        raise InvalidValueError(f"images_dir, with images.source {images['source']!r},", given, allowed)


def _require_consistent(parameters: Mapping[str, Any]) -> None:
    """Every fidelity names a distillation configuration that there is, and every strategy that is used has its options.

    Kedro has made models of the parameters of the pipelines that will run, and left the others as they were read.
    """
    models: dict[str, Any] = {name: value for name, value in parameters.items() if isinstance(value, BaseModel)}
    known = models["distillation"].root if "distillation" in models else None
    if known is not None and "evaluation" in models:
        for name in (models["evaluation"].full.distillation, *models["evaluation"].low.distillation):
            lookup(known, name, "evaluation's distillation")
    if known is not None and "search" in models:
        for name in models["search"].low.distillation if models["search"].low is not None else ():
            lookup(known, name, "search.low.distillation")
    if "strategies" in models and "search" in models:
        models["strategies"].options_of(models["search"].strategy)
    if "strategies" in models and "benchmark" in models:
        models["benchmark"].options_of(models["strategies"])
