"""Hooks of a run: parameters are checked together and logged, artifacts are copied, and the results are listed."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline
from pydantic import BaseModel, ValidationError

from mf_nas_kd import __version__, tracking
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.parameters import InvalidParametersError, all_pipelines, checked_parameters, validation_message
from mf_nas_kd.paths import absolute
from mf_nas_kd.pipelines import FLOW
from mf_nas_kd.pipelines.report.nodes import early_end_page
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.metrics import Metric, metric_of
from mf_nas_kd.registry import lookup
from mf_nas_kd.spaces.description import architecture_words

logger = logging.getLogger(__name__)


class ProjectHooks:
    """Hooks of the project, registered in ``settings.py``."""

    def __init__(self) -> None:
        self._saved: set[str] = set()
        """Names of the datasets that the run has saved."""
        self._input_is_logged = False

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check parameters against each other, before MLflow opens a run and before any node runs."""
        loader: Any = context.config_loader
        self._parameters = parameters = checked_parameters(loader)
        _require_data_folder(loader.runtime_params or {})
        _require_used(loader.runtime_params or {}, parameters)
        _require_consistent(parameters)

    @hook_impl(specname="before_pipeline_run", tryfirst=True)
    def check_inputs(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Check that the files that the pipeline reads are there, before MLflow opens a run."""
        _require_inputs(pipeline, catalog, run_params["env"])

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the parameters of the pipeline to MLflow under flat names."""
        self._catalog = catalog
        self._saved = set()
        self._input_is_logged = False
        tracking.describe_run(_description(pipeline, self._parameters))
        names = [name for name in pipeline.inputs() if name.startswith("params:")]
        tracking.log_parameters({name.removeprefix("params:"): _plain(catalog.load(name)) for name in names})

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Log the images that the run reads as its input."""
        self._log_input(dataset_name, data)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Copy pictures and the report to MLflow, and log the images that the run makes as its input.

        Kedro-mlflow 2.0.3 has a dataset for pictures, but it names versions in a way that Kedro 1.7 refuses.
        """
        self._log_input(dataset_name, data)
        self._saved.add(dataset_name)
        dataset: Any = self._catalog.get(dataset_name)
        artifact = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        if artifact is not None:
            tracking.log_artifact(_path_of(dataset), artifact["artifact_path"])

    @hook_impl
    def on_pipeline_error(self, error: Exception, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Write a report of the evaluations, if the run has made them and was to write a report."""
        if "report" not in pipeline.outputs() or not {"evaluation_plan", "planned_evaluations"} <= self._saved:
            return
        try:
            plan, evaluations = catalog.load("evaluation_plan"), catalog.load("planned_evaluations")
            catalog.save("report", early_end_page(str(error), plan, evaluations))
        except Exception as failure:  # the error that ended the run is the one to be told
            logger.warning("The report of the evaluations could not be written: %s", failure)
        else:
            logger.info("Report of the evaluations: %s", os.path.relpath(_path_of(catalog.get("report"))))

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the paths of the results, the winner, and where MLflow shows the run."""
        _log_overview(pipeline, catalog, self._parameters["metric"].value)
        if "report" in pipeline.outputs():
            _tell_results(catalog)
        address = tracking.runs_address()
        if address is None:
            return
        store = tracking.tracking_uri()
        if not address.startswith(store):
            mlflow = os.path.relpath(Path(sys.executable).with_name("mlflow"))
            logger.info("All evaluations in MLflow: %s ui --backend-store-uri %s", mlflow, shlex.quote(store))
        logger.info("%s", address)

    def _log_input(self, name: str, data: Any) -> None:
        if name == "images" and not self._input_is_logged:
            self._input_is_logged = True
            parameters = self._parameters["images"]
            options = parameters.options[parameters.source].model_dump(mode="json")
            tracking.log_images(data, parameters.source, options)


def _description(pipeline: Pipeline, parameters: Mapping[str, Any]) -> tracking.RunDescription:
    """What MLflow tells a person of a run of a pipeline."""
    namespaces = {str(node.namespace) for node in pipeline.nodes}
    stages = (*(stage for stage in FLOW if stage in namespaces), *sorted(namespaces - set(FLOW)))
    metric = parameters["metric"].value
    return tracking.RunDescription(
        stages=stages,
        whole=set(stages) == set(FLOW),
        validation=metric.validation,
        test=metric.test,
        tags={"space": parameters["space"].name, "strategy": parameters["search"].strategy, "version": __version__},
    )


def _log_overview(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any], metric: Metric) -> None:
    """Log all evaluations of the study at once, if the pipeline makes some."""
    makes_some = {node.namespace for node in pipeline.nodes} & {"evaluation", "search", "final"}
    if not makes_some or tracking.runs_address() is None:
        return
    try:
        plan, store = catalog.load("evaluation_plan"), catalog.load("evaluation_store")
        evaluations = store.of_study(plan["key"])
    except Exception as failure:  # MLflow has copies: the run itself is done
        logger.warning("The overview of the evaluations could not be logged: %s", failure)
        return
    roles = dict(zip(plan["key"], plan["role"], strict=True))
    tracking.log_overview(evaluations, roles, metric.validation, metric.test)


def _tell_results(catalog: CatalogProtocol[Any, Any]) -> None:
    """Log where report and network are, and the winner, which is MLflow's description of the run as well."""
    winner = catalog.load("winner")
    metric = metric_of(winner)
    logger.info("Report: %s", os.path.relpath(_path_of(catalog.get("report"))))
    sentence = (
        f"{winner['architecture_id']}, test {metric.label} {100 * winner[metric.test]:.2f} %, "
        f"validation {metric.label} {100 * winner[metric.validation]:.2f} %, "
        f"{winner['macs']:,} MACs, {winner['params']:,} parameters"
    )
    logger.info("Winner: %s", sentence)
    for warning in winner["warnings"]:
        logger.info("Of the final trainings: %s", warning)
    model = os.path.relpath(_path_of(catalog.get("network_folder")) / "model.onnx")
    logger.info("Network: %s; try it: mf-nas-kd predict %s photo.jpg", os.path.dirname(model), shlex.quote(model))
    network = architecture_words(Architecture.from_row(winner))
    tracking.log_note(
        f"**Winner:** {sentence}. Network: {network}.\n\nAmong the artifacts: `report/report.html`, `model_card.md`, "
        "and `evaluations.html` with charts of all evaluations."
    )


def _path_of(dataset: Any) -> Path:
    """Where a dataset is loaded from: what this run has saved, if it has (see ``datasets.atomic.AtomicSave``)."""
    return Path(dataset._get_load_path())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _require_data_folder(given: Mapping[str, Any]) -> None:
    """Refuse a folder of the study that cannot be one."""
    folder = given.get("data_dir", ".")
    if not isinstance(folder, (str, Path)) or not str(folder).strip() or "://" in str(folder):
        raise InvalidValueError("data_dir", folder, "a local folder, which is made where it does not exist")
    path = Path(str(absolute(folder)))
    for above in (path, *path.parents):
        if above.exists() and not above.is_dir():
            raise InvalidValueError("data_dir", str(folder), f"a folder, and {str(above)!r} is a file")


def _require_used(given: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse a folder of images that the configured source would ignore."""
    source = parameters["images"].source
    if given.get("images_dir") is not None and source != "image_folder":
        allowed = "absent, or images.source image_folder (as in --env=image_folder)"
        raise InvalidValueError(f"images_dir, with images.source {source!r},", given["images_dir"], allowed)


def _require_consistent(parameters: Mapping[str, Any]) -> None:
    """Check that fidelities name known distillation configurations, and that the strategies in use have options."""
    known = parameters["distillation"].root
    evaluation, search, strategies = (parameters[name] for name in ("evaluation", "search", "strategies"))
    lookup(known, evaluation.full.distillation, "evaluation.full.distillation")
    for stage, grid in (("evaluation", evaluation.low), ("search", search.low)):
        for name in grid.distillation if grid is not None else ():
            lookup(known, name, f"{stage}.low.distillation")
    for name in parameters["final"].distillation:
        lookup(known, name, "final.distillation")
    lookup(strategies.root, search.strategy, "search.strategy, which has no options in strategies,")
    for name, entry in parameters["benchmark"].entries.items():
        where = f"benchmark.strategies.{name}"
        lookup(strategies.root, entry.strategy, f"{where}.strategy, which has no options in strategies,")
        try:
            strategies.options_of(entry.strategy, entry.options)
        except ValidationError as failure:
            raise InvalidParametersError(validation_message(failure, f"{where}.options", entry.options)) from failure


def _require_inputs(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any], environment: str | None) -> None:
    """Refuse to start pipelines whose inputs no earlier run has saved."""
    missing = {}
    for name in sorted(pipeline.inputs()):
        dataset = None if name.startswith("params:") or name == "parameters" else catalog.get(name)
        if isinstance(dataset, AbstractVersionedDataset) and not dataset.exists():
            missing[name] = dataset._filepath
    if missing:
        stages = ",".join(name for name, stage in all_pipelines().items() if stage.all_outputs() & missing.keys())
        command = f"kedro run{f' --env={environment}' if environment else ''} --pipelines={stages}"
        first, *others = missing.values()
        more = f" (and {len(others)} more)" if others else ""
        raise DatasetError(f"{first}{more} is not there: run the pipeline that saves it first: {command}")
