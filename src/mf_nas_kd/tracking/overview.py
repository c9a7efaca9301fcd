"""All evaluations of a study at once, for its run in MLflow: a page with charts, and a table.

MLflow's own charts load 100 runs at a time.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient

from mf_nas_kd.records import Evaluation
from mf_nas_kd.spaces.description import architecture_values, architecture_words
from mf_nas_kd.tracking.background import copies

PAGE, TABLE = "evaluations.html", "evaluations.json"

COSTS = {"macs": "multiply-accumulates", "params": "parameters", "cost_seconds": "cost of the training (s)"}


def log_overview(evaluations: Sequence[Evaluation], roles: Mapping[str, str], validation: str, test: str) -> None:
    """Log a page with charts and a table of evaluations as artifacts of the active run. Raises nothing.

    Args:
        evaluations: The evaluations; without one that finished, nothing is logged.
        roles: Their roles by key, where they are known.
        validation: Name of the metric that selects, for the validation images.
        test: The same for the test images.
    """
    run = mlflow.active_run()
    if run is not None and any(each.finished for each in evaluations):
        copies().call(partial(_log, run.info.run_id, evaluations, roles, validation, test))


def _log(run_id: str, *content: Any) -> None:
    client, table = MlflowClient(), overview_table(*content)
    client.log_table(run_id, table, TABLE)
    client.log_text(run_id, overview_page(table, *content[2:]), PAGE)


def overview_table(
    evaluations: Sequence[Evaluation], roles: Mapping[str, str], validation: str, test: str
) -> pd.DataFrame:
    """One row for each evaluation that finished, the highest validation score first; arguments as of the page."""
    rows = [_row(each, roles, validation, test) for each in evaluations if each.finished]
    return pd.DataFrame(rows).sort_values(validation, ascending=False, ignore_index=True)


def _row(evaluation: Evaluation, roles: Mapping[str, str], validation: str, test: str) -> dict[str, Any]:
    row, fidelity = evaluation.to_row(), evaluation.fidelity
    return {
        "network": architecture_words(evaluation.architecture),
        "fidelity": str(fidelity),
        "role": roles.get(evaluation.key, ""),
        "seed": evaluation.seed,
        validation: row[validation],
        test: row[test],
        **{name: row[name] for name in COSTS},
        "images": float(fidelity.train_fraction),
        "epochs": fidelity.epochs,
        "distillation": fidelity.distillation,
        "depth": architecture_values(evaluation.architecture).get("total_depth"),
        "architecture_id": row["architecture_id"],
    }


def overview_page(table: pd.DataFrame, validation: str, test: str) -> str:
    """A page with two interactive charts, which needs nothing else.

    Args:
        table: See :func:`overview_table`.
        validation: Name of the metric that selects, for the validation images.
        test: The same for the test images.
    """
    import plotly.io

    charts = [_against_costs(table, validation, test), _parallel(table, validation)]
    parts = [
        plotly.io.to_html(chart, full_html=False, include_plotlyjs=number == 0, default_height="560px")
        for number, chart in enumerate(charts)
    ]
    return _PAGE.format(count=len(table), networks=table["architecture_id"].nunique(), charts="".join(parts))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluations</title>
<style>body {{ font-family: sans-serif; margin: 1rem; background: white; color: #222 }}</style></head><body>
<h1>{count} evaluations of {networks} networks</h1>
<p>A point is a training. A click on a fidelity hides it, a double click shows it alone. Scores of different fidelities
are not comparable. In the second chart, dragging along an axis selects.</p>
{charts}
</body></html>
"""


def _against_costs(table: pd.DataFrame, validation: str, test: str) -> dict[str, Any]:
    """Scores against costs, one colour for each fidelity; a menu chooses the cost."""
    groups = [(str(name), rows) for name, rows in table.groupby("fidelity", sort=False)]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": html.escape(name),
            "x": rows["macs"].tolist(),
            "y": rows[validation].tolist(),
            "text": [_hover(row, validation, test) for _, row in rows.iterrows()],
            "hoverinfo": "text",
            "marker": {"size": 8, "opacity": 0.75},
        }
        for name, rows in groups
    ]
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [{"x": [rows[name].tolist() for _, rows in groups]}, {"xaxis.title.text": label}],
        }
        for name, label in COSTS.items()
    ]
    layout = {
        "template": "plotly_white",
        "xaxis": {"title": {"text": COSTS["macs"]}, "type": "log"},
        "yaxis": {"title": {"text": validation}},
        "updatemenus": [{"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.15}],
        "showlegend": True,
    }
    return {"data": traces, "layout": layout}


def _hover(row: pd.Series[Any], validation: str, test: str) -> str:
    scores = ", ".join(f"{name} {row[name]:.4f}" for name in (validation, test))
    costs = f"{row['macs']:,} MACs, {row['params']:,} parameters, {row['cost_seconds']:.1f} s"
    lines = (row["network"], f"{row['fidelity']}, seed {row['seed']} {row['role']}".strip(), scores, costs)
    return "<br>".join(html.escape(str(line)) for line in lines)


def _parallel(table: pd.DataFrame, validation: str) -> dict[str, Any]:
    """A line for each training through its settings, its costs and its score."""
    names = sorted(table["distillation"].unique())
    numbers = ["images", "epochs", "depth", "macs", "params", "cost_seconds", validation]
    axes = [{"label": name, "values": table[name].tolist()} for name in numbers if table[name].notna().all()]
    positions = {
        "label": "distillation",
        "values": table["distillation"].map(names.index).tolist(),
        "tickvals": list(range(len(names))),
        "ticktext": [html.escape(name) for name in names],
    }
    scores = table[validation].tolist()
    line = {"color": scores, "colorscale": "Viridis", "showscale": True}
    trace = {"type": "parcoords", "dimensions": [positions, *axes], "line": line}
    return {"data": [trace], "layout": {"template": "plotly_white", "margin": {"l": 80, "r": 40}}}
