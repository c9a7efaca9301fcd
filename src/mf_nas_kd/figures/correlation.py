"""Two pictures of the question whether low-fidelity evaluations rank candidates as high-fidelity ones do."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from mf_nas_kd.figures.style import COLOURS, GREY, figure, legend_label, method_style, shared_legend
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.fidelity import LARGEST_DENOMINATOR
from mf_nas_kd.records.metrics import Metric
from mf_nas_kd.records.tables import records_of

PROXY = "proxy:"
"""Start of the names of zero-cost proxies in ``correlation_table``."""


def fraction_text(value: float) -> str:
    """Text of a training-set fraction that a table holds as a floating-point number.

    >>> fraction_text(1 / 27)
    '1/27'
    """
    return str(Fraction(value).limit_denominator(LARGEST_DENOMINATOR))


def correlation_against_cost(table: pd.DataFrame) -> Figure:
    """Rank agreement with high-fidelity evaluations against cost, as in the paper's first figure.

    Each dataset and space has a row of two panels: Kendall's tau, with the zero-cost proxies as grey lines, and the
    partial tau given MACs and parameter count. Each method is a line, each fidelity a point with its interval.

    Args:
        table: ``correlation_table``, or several of them one below the other.
    """
    blocks = list(table.groupby(["dataset", "space"], sort=False))
    drawn, axes = figure(11, 3.6 * len(blocks) + 0.8, len(blocks), 2)
    styles = method_style(methods_of(with_methods(table[table["role"] == "low"])))
    for index, ((dataset, space), rows) in enumerate(blocks):
        alone, partial = axes[2 * index : 2 * index + 2]
        where = f"{dataset} {space}: " if len(blocks) > 1 else ""
        _draw_agreement(alone, rows, styles, "kendall", f"{where}Kendall's tau with high-fidelity evaluations")
        _draw_agreement(partial, rows, styles, "partial_kendall", "... given MACs and parameter count")
        _draw_proxies(alone, rows)
        alone.set_ylabel("rank agreement")
    shared_legend(drawn, axes, columns=7)
    return drawn


def low_against_full(table: pd.DataFrame, full: pd.DataFrame, metric: Metric) -> Figure:
    """Validation score at low fidelities against test score at the target fidelity.

    Each method has a column of panels, each schedule (training-set fraction and epochs) a row; a point is a candidate,
    and its colour shows its MACs.

    Args:
        table: Finished low-fidelity evaluations: ``architecture_id``, the columns of a fidelity, ``val_score``.
        full: Finished high-fidelity evaluations: ``architecture_id``, ``test_score``, ``macs``.
        metric: The metric whose values the scores are.
    """
    table = with_methods(table)
    methods = methods_of(table)
    schedules = sorted(set(zip(table["train_fraction"], table["epochs"], strict=True)))
    size = 2.2 * len(methods) + 0.8, 2.0 * len(schedules) + 0.5
    drawn, axes = figure(*size, len(schedules), len(methods), sharey=True)
    targets = full.set_index("architecture_id")[["test_score", "macs"]]
    shades = Normalize(targets["macs"].min(), targets["macs"].max())
    points = None
    for index, axis in enumerate(axes):
        (fraction, epochs), method = schedules[index // len(methods)], methods[index % len(methods)]
        chosen = (table["method"] == method) & (table["train_fraction"] == fraction) & (table["epochs"] == epochs)
        rows = table[chosen]
        reached = targets.reindex(rows["architecture_id"])
        points = axis.scatter(
            rows["val_score"], reached["test_score"], c=reached["macs"], norm=shades, cmap="viridis", s=14
        )
        axis.set_title(f"{method}, {fraction_text(fraction)} x {epochs} epochs", fontsize=8, color=COLOURS[-1])
        axis.tick_params(labelsize=7)
    drawn.supxlabel(f"validation {metric.label} of the low-fidelity evaluation", fontsize=9)
    drawn.supylabel(f"test {metric.label} of the high-fidelity evaluation", fontsize=9)
    if points is not None:
        drawn.colorbar(points, ax=axes, label="MACs", shrink=0.6)
    return drawn


def with_methods(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column ``method``: distillation configuration and reductions, see :attr:`Fidelity.method`."""
    methods = [fidelity.method for fidelity in records_of(table, Fidelity)]
    return table.assign(method=pd.Series(methods, index=table.index, dtype=str))


def _draw_agreement(
    axis: Axes, table: pd.DataFrame, styles: dict[str, tuple[str, str]], statistic: str, title: str
) -> None:
    low = with_methods(table[table["role"] == "low"])
    for name in methods_of(low):
        rows = low[low["method"] == name].sort_values("relative_cost")
        colour, marker = styles[name]
        errors = [rows[statistic] - rows[f"{statistic}_low"], rows[f"{statistic}_high"] - rows[statistic]]
        axis.errorbar(
            rows["relative_cost"],
            rows[statistic],
            yerr=[error.clip(lower=0) for error in errors],
            color=colour,
            marker=marker,
            markersize=6,
            capsize=2,
            elinewidth=0.8,
            linewidth=1.4,
            label=legend_label(re.sub("^none(?=$|,)", "plain (none)", name)),
        )
    axis.axhline(0, color="black", linewidth=0.6)
    axis.set(xscale="log", xlabel="cost relative to a high-fidelity evaluation", title=title)
    _percent_ticks(axis, low["relative_cost"])


def _draw_proxies(axis: Axes, table: pd.DataFrame) -> None:
    proxies = table[table["role"] == "free"]
    for (_, row), line in zip(proxies.iterrows(), cycle(("--", ":", "-."))):
        label = f"{row['distillation'].removeprefix(PROXY)} (zero-cost proxy)"
        axis.axhline(row["kendall"], color=GREY, linestyle=line, linewidth=1.2, label=label)
        axis.axhspan(row["kendall_low"], row["kendall_high"], color=GREY, alpha=0.06)


def _percent_ticks(axis: Axes, costs: pd.Series) -> None:
    """Round percentages around the costs; a logarithmic axis of less than a decade has no readable ticks by itself."""
    round_costs = [digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)]
    inside = [cost for cost in round_costs if costs.min() / 2 < cost < costs.max() * 2]
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticks(inside, [f"{100 * cost:g} %" for cost in inside])


def methods_of(table: pd.DataFrame) -> list[str]:
    """The methods of a table, plain cross-entropy first."""
    return sorted(table["method"].unique(), key=lambda name: (name != "none", name))
