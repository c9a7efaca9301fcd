"""Kedro-mlflow's hooks, whose failures and delays neither end nor delay a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig
from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook

from mf_nas_kd import tracking


class MlflowCopies(MlflowHook):
    """Kedro-mlflow's hooks, made as copies are; registered in ``settings.py`` in the place of its own ones.

    They open the parent run, and end it. If there is no run, nothing is logged.
    """

    @hook_impl(trylast=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Set MLflow up, after all refusals.

        Raises:
            pydantic.ValidationError: If ``mlflow.yml`` has other fields than kedro-mlflow's.
        """
        tracking.finish()  # of an earlier session of this process
        _with_safe_experiment(context)
        self._begun = False
        self._ready = self._made(super().after_context_created, context)

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """Open the parent run."""
        self._begun = self._ready
        if self._ready:
            self._made(super().before_pipeline_run, run_params, pipeline, catalog)

    @hook_impl
    def before_node_run(self, node: Any, catalog: Any, inputs: dict[str, Any], is_async: bool) -> None:
        """Open the parent run again, where a node has a thread of its own.

        Parameters are no inputs here: kedro-mlflow would log each model of parameters as one text, beside what
        :mod:`mf_nas_kd.hooks` logs under flat names; a parameter that is a single value would have the same name.
        """
        if self._begun:
            others = {name: value for name, value in inputs.items() if not name.startswith("params:")}
            self._made(super().before_node_run, node, catalog, others, is_async)

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """End the parent run."""
        if self._begun:
            self._made(super().after_pipeline_run, run_params, pipeline, catalog)
        tracking.finish()

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception, run_params: dict[str, Any], pipeline: Any, catalog: Any) -> None:
        """End the parent run as a failed one."""
        if self._begun:
            self._made(super().on_pipeline_error, error, run_params, pipeline, catalog)
        tracking.finish()

    def _made(self, hook: Callable[..., None], *arguments: Any) -> bool:
        """Call one of kedro-mlflow's hooks; returns whether it succeeded in time."""

        def made() -> bool:
            hook(*arguments)
            return True

        return tracking.copies().call(made, needed=True) is not None


def _with_safe_experiment(context: KedroContext) -> None:
    """Check ``mlflow.yml``, and let it name an experiment by a name that MLflow takes."""
    loader: Any = context.config_loader
    loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    try:
        settings = dict(loader["mlflow"] or {})
    except MissingConfigException:
        return
    experiment = (settings.get("tracking") or {}).get("experiment") or {}
    if experiment.get("name") is not None:
        experiment["name"] = tracking.safe_experiment(str(experiment["name"]))
    KedroMlflowConfig.model_validate(settings)
    loader["mlflow"] = settings
