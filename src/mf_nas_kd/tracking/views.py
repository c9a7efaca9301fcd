"""What MLflow's page of an experiment shows: saved views with chosen columns, order and charts, and a text.

MLflow 3.17 decides on columns by itself. Its page has *Views*, which are tags of the experiment: a name, and the state
of the page as JSON. ``viewStateShareKey`` in an address opens one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

VIEW_TAG = "mlflow.sharedViewState."
FIRST = "runs"
"""Key of the view that an address opens."""

MOST_RUNS_IN_CHARTS = 500
WIDTH_OF_NAME, WIDTH_OF_FIDELITY = 400, 220  # pixels

TAGS, METRICS, PARAMETERS, ATTRIBUTES = "tags", "metrics", "params", "attributes"


@dataclass(frozen=True)
class View:
    """A saved view.

    Attributes:
        name: Its name in the menu of the page.
        meaning: What it shows, as a sentence for the text of the experiment.
        columns: Kind and name of each column, in their order.
        filter: Condition on the runs; without one, child runs are below their parents.
        order: Kind and name of what they are ordered by, the highest first; None for the newest first.
    """

    name: str
    meaning: str
    columns: Sequence[tuple[str, str]]
    filter: str = ""
    order: tuple[str, str] | None = None


def views(validation: str, test: str) -> dict[str, View]:
    """The views of an experiment by their keys.

    Args:
        validation: Name of the metric that selects, for the validation images.
        test: The same for the test images.
    """
    scores = [(METRICS, validation), (METRICS, test), (METRICS, "macs"), (METRICS, "params")]
    network = [(PARAMETERS, f"network.{name}") for name in ("channels", "depth", "expansion", "head", "operations")]
    winner = [(METRICS, f"winner_{name}") for _, name in scores]
    costs, fidelity, role = (METRICS, "cost_seconds"), (TAGS, "fidelity"), (TAGS, "role")
    best = (METRICS, validation)
    return {
        FIRST: View(
            "Runs",
            "one row for each `kedro run`, with the network that it found; **+** opens its evaluations",
            [*winner, *scores, fidelity, (ATTRIBUTES, "Dataset"), (ATTRIBUTES, "Models")],
        ),
        "evaluations": View(
            "All evaluations",
            "every trained network, the highest validation score first",
            [fidelity, role, *scores, costs, *network],
            "tags.stage != ''",
            best,
        ),
        "full": View(
            "High-fidelity evaluations",
            "candidates that were trained on all images",
            [*scores, costs, (TAGS, "stage"), *network],
            "tags.role = 'full'",
            best,
        ),
        "final": View(
            "Final trainings",
            "finalists and reference networks, trained to the end",
            [role, (PARAMETERS, "seed"), (PARAMETERS, "distillation"), *scores, costs, *network],
            "tags.stage = 'final'",
            best,
        ),
    }


def experiment_tags(study: str, experiment_id: str, validation: str, test: str, now: int) -> dict[str, str]:
    """Tags of an experiment: its text, and its saved views.

    Args:
        study: Name of the study.
        experiment_id: The experiment.
        validation: Name of the metric that selects, for the validation images.
        test: The same for the test images.
        now: The time, in milliseconds since 1970.
    """
    saved = views(validation, test)
    tags = {f"{VIEW_TAG}{key}": _envelope(view, validation, now) for key, view in saved.items()}
    lines = [f"- [{view.name}]({runs_page(experiment_id, key)}): {view.meaning}." for key, view in saved.items()]
    charts = f"{runs_page(experiment_id, 'evaluations')}&compareRunsMode=CHART"
    text = _TEXT.format(study=study, views="\n".join(lines), charts=charts, validation=validation, test=test)
    return {**tags, MLFLOW_RUN_NOTE: text, "mlflow.experiment.primaryMetric.name": validation}


def runs_page(experiment_id: str, view: str = FIRST) -> str:
    """The page of the runs of an experiment in a saved view, relative to the address of MLflow's server.

    >>> runs_page("1")
    '#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=runs'
    """
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={view}"


_TEXT = """\
Study **{study}**: one run for each `kedro run`, and below it one for each training. Open to see how to read it.

{views}
- [Charts of the evaluations]({charts}): accuracy against multiply-accumulates, choices, and learning curves. MLflow
  loads 100 runs at a time; **evaluations.html** among the artifacts of a run shows all of them at once.

The same views are in the menu **Views** above. Colours: blue for the stage *evaluation*, orange for *search*, green for
*final*. `{validation}` selects, `{test}` is only reported; scores of different fidelities are not comparable.
`network.*` are the choices of an architecture, `epoch_loss` and `epoch_val_accuracy` its learning curve.
"""


def _key(column: tuple[str, str]) -> str:
    """Name of a column, as the page's state and its searches write it."""
    kind, name = column
    return f"{kind}.`{name}`"


def _envelope(view: View, validation: str, now: int) -> str:
    """A view as the value of its tag."""
    name = _key((ATTRIBUTES, "Run Name"))
    order = [name, *(_key(column) for column in view.columns)]
    state: dict[str, Any] = {
        "selectedColumns": order[1:],
        "columnOrder": order,
        "columnWidths": {name: WIDTH_OF_NAME, _key((TAGS, "fidelity")): WIDTH_OF_FIDELITY},
        "searchFilter": view.filter,
        "orderByAsc": False,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": _charts(validation),
        "compareRunSections": [_SECTION],
        "isAccordionReordered": True,
    }
    if view.order is not None:
        state["orderByKey"] = _key(view.order)
    return json.dumps({"name": view.name, "createdAt": now, "updatedAt": now, "state": json.dumps(state)})


_SECTION = {"uuid": "evaluations", "name": "Evaluations", "display": True, "isReordered": True, "deleted": False}


def _charts(validation: str) -> list[Mapping[str, Any]]:
    """Charts of the evaluations: score against multiply-accumulates, settings and choices, learning curves."""
    metric = {"type": "METRIC"}
    own: dict[str, dict[str, Any]] = {
        "SCATTER": {"xaxis": {**metric, "key": "macs"}, "yaxis": {**metric, "key": validation}},
        "PARALLEL": {
            "showAllRuns": True,
            "selectedParams": ["train_fraction", "epochs", "distillation", "network.total_depth"],
            "selectedMetrics": ["macs", "cost_seconds", validation],
        },
        "LINE": {
            "metricKey": "epoch_val_accuracy",
            "selectedMetricKeys": ["epoch_val_accuracy"],
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "scaleType": "linear",
            "xAxisScaleType": "linear",
            "range": {},
            "useGlobalXaxisKey": True,
            "useGlobalLineSmoothing": True,
            "yAxisKey": "metric",
            "yAxisExpressions": [],
            "ignoreOutliers": False,
        },
    }
    common = {"metricSectionId": _SECTION["uuid"], "runsCountToCompare": MOST_RUNS_IN_CHARTS, "deleted": False}
    return [{"type": kind, "uuid": kind, "isGenerated": False, **common, **fields} for kind, fields in own.items()]
