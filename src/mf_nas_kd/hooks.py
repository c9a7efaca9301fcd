"""Hooks of a run: parameters are checked together and logged, artifacts are copied, and the results are listed."""

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
from omegaconf.errors import ConfigTypeError
from pydantic import BaseModel

from mf_nas_kd import tracking
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import lookup

logger = logging.getLogger(__name__)

RUNTIME_ONLY = {"data_dir", "images_dir", "published_dir", "nas_bench_201_csv", "mlflow_run_id"}
"""Parameters of the command line that are paths or identifiers, and not parameters of a node."""


class ProjectHooks:
    """Hooks of the project, registered in ``settings.py``."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check parameters against each other, before MLflow opens a run and before any node runs."""
        _require_known(context.config_loader)
        _require_consistent(context.params)
        _require_used(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the parameters of the pipeline to MLflow under flat names."""
        self._catalog = catalog
        names = [name for name in pipeline.inputs() if name.startswith("params:")]
        tracking.log_parameters({name.removeprefix("params:"): _plain(catalog.load(name)) for name in names})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Copy pictures and the report to MLflow.

        Kedro-mlflow 2.0.3 has a dataset for this, but it names versions in a way that Kedro 1.7 refuses.
        """
        dataset: Any = self._catalog.get(dataset_name)
        artifact = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        if artifact is not None:
            tracking.log_artifact(Path(dataset._get_load_path()), artifact["artifact_path"])

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the paths of the results, and the winner."""
        if "report" not in pipeline.outputs():
            return
        winner = catalog.load("winner")
        report: Any = catalog.get("report")
        logger.info("Report: %s", os.path.relpath(report._get_load_path()))
        logger.info(
            "Winner: %s, test accuracy %.2f %%, validation accuracy %.2f %%, %s MACs, %s parameters",
            winner["architecture_id"],
            100 * winner["test_accuracy"],
            100 * winner["val_accuracy"],
            f"{winner['macs']:,}",
            f"{winner['params']:,}",
        )
        mlflow = os.path.relpath(Path(sys.executable).with_name("mlflow"))
        logger.info("All evaluations in MLflow: %s ui --backend-store-uri %s", mlflow, tracking.tracking_uri())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _require_known(loader: AbstractConfigLoader) -> None:
    """Refuse a parameter of the command line that the configuration does not have."""
    given, loader.runtime_params = loader.runtime_params or {}, {}
    try:
        allowed = set(loader["parameters"]) | RUNTIME_ONLY
    except ConfigTypeError as failure:
        wanted = "a mapping by names where conf/base has one (schedules, widths, image_sizes, distillation)"
        where = f"the type of a parameter in conf/{loader.env or 'local'}"
        raise InvalidValueError(where, "list", wanted) from failure
    finally:
        loader.runtime_params = given
    for name in given:
        if name.partition(".")[0] not in allowed:
            raise InvalidValueError("a parameter of the command line", name, f"one of: {', '.join(sorted(allowed))}")


def _require_used(context: KedroContext) -> None:
    """Refuse a folder of images that the configured source would ignore."""
    given = (context.config_loader.runtime_params or {}).get("images_dir")
    images = _plain(context.params["images"])
    if given is not None and images["source"] != "image_folder":
        allowed = "absent, or images.source image_folder (as in --env=image_folder)"
        raise InvalidValueError(f"images_dir, with images.source {images['source']!r},", given, allowed)


def _require_consistent(parameters: Mapping[str, Any]) -> None:
    """Check that fidelities name known distillation configurations, and that the strategies in use have options.

    Parameters of the pipelines that will run are models; Kedro leaves the others as they were read.
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
