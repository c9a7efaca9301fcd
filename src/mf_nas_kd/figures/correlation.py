"""Can short trainings be trusted? Two pictures."""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from mf_nas_kd.figures.style import COLOURS, GREY, figure, method_style
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.fidelity import LARGEST_DENOMINATOR
from mf_nas_kd.records.tables import records_of

PROXY = "proxy:"


def fraction_text(value: float) -> str:
    """1/27 for 0.037037..."""
    return str(Fraction(value).limit_denominator(LARGEST_DENOMINATOR))


def correlation_against_cost(table: pd.DataFrame) -> Figure:
    """The paper's teaser: rank agreement of every method and fraction against its price, what is free as lines.

    Args:
        table: ``correlation_table``, or several of them below each other: a row of panels for each dataset and space.
    """
    blocks = list(table.groupby(["dataset", "space"], sort=False))
    drawn, axes = figure(11, 3.6 * len(blocks) + 0.8, len(blocks), 2)
    styles = method_style(_methods(with_methods(table[table["role"] == "low"])))
    for place, ((dataset, space), rows) in enumerate(blocks):
        alone, given_free = axes[2 * place : 2 * place + 2]
        where = f"{dataset} {space}: " if len(blocks) > 1 else ""
        _draw_agreement(alone, rows, styles, "kendall", f"{where}Kendall's tau with full training")
        _draw_agreement(given_free, rows, styles, "partial_kendall", "... given operations and parameters")
        _draw_free(alone, rows)
        alone.set_ylabel("rank agreement")
    handles = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    drawn.legend(handles.values(), handles, loc="outside lower center", ncols=7, frameon=False, fontsize=9)
    return drawn


def low_against_full(table: pd.DataFrame, full: pd.DataFrame) -> Figure:
    """Validation accuracy of the short training against test accuracy of the full one, a panel a method and schedule.

    Args:
        table: Finished short trainings: ``architecture_id``, the columns of a fidelity, ``val_accuracy``.
        full: Finished full trainings: ``architecture_id, test_accuracy``.
    """
    table = with_methods(table)
    methods = _methods(table)
    schedules = sorted(set(zip(table["train_fraction"], table["epochs"], strict=True)))
    drawn, axes = figure(
        2.2 * len(methods) + 0.8, 2.0 * len(schedules) + 0.5, len(schedules), len(methods), sharey=True
    )
    truths = full.set_index("architecture_id")[["test_accuracy", "macs"]]
    shades = Normalize(truths["macs"].min(), truths["macs"].max())
    points = None
    for place, axis in enumerate(axes):
        (fraction, epochs), method = schedules[place // len(methods)], methods[place % len(methods)]
        chosen = (table["method"] == method) & (table["train_fraction"] == fraction) & (table["epochs"] == epochs)
        rows = table[chosen]
        of_full = truths.reindex(rows["architecture_id"])
        points = axis.scatter(
            rows["val_accuracy"], of_full["test_accuracy"], c=of_full["macs"], norm=shades, cmap="viridis", s=14
        )
        axis.set_title(f"{method}, {fraction_text(fraction)} x {epochs} epochs", fontsize=8, color=COLOURS[-1])
        axis.tick_params(labelsize=7)
    drawn.supxlabel("validation accuracy of the short training", fontsize=9)
    drawn.supylabel("test accuracy of the full training", fontsize=9)
    if points is not None:
        drawn.colorbar(points, ax=axes, label="multiply-accumulates", shrink=0.6)
    return drawn


def _draw_agreement(
    axis: Axes, table: pd.DataFrame, styles: dict[str, tuple[str, str]], statistic: str, title: str
) -> None:
    short = with_methods(table[table["role"] == "low"])
    for name in _methods(short):
        rows = short[short["method"] == name].sort_values("relative_cost")
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
            label="plain (none)" if name == "none" else name,
        )
    axis.axhline(0, color="black", linewidth=0.6)
    axis.set(xscale="log", xlabel="price of a training, relative to a full one", title=title)
    _percent_ticks(axis, short["relative_cost"])


def _draw_free(axis: Axes, table: pd.DataFrame) -> None:
    for (_, row), line in zip(_proxies(table).iterrows(), cycle(("--", ":", "-."))):
        label = f"{row['distillation'].removeprefix(PROXY)}, free"
        axis.axhline(row["kendall"], color=GREY, linestyle=line, linewidth=1.2, label=label)
        axis.axhspan(row["kendall_low"], row["kendall_high"], color=GREY, alpha=0.06)


def _percent_ticks(axis: Axes, costs: pd.Series) -> None:
    """Round percentages around the costs; a logarithmic axis of less than a decade has no readable ticks by itself."""
    round_costs = [digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)]
    inside = [cost for cost in round_costs if costs.min() / 2 < cost < costs.max() * 2]
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticks(inside, [f"{100 * cost:g} %" for cost in inside])


def with_methods(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column ``method``: distillation configuration and reductions, see :attr:`Fidelity.method`."""
    methods = [fidelity.method for fidelity in records_of(table, Fidelity)]
    return table.assign(method=pd.Series(methods, index=table.index, dtype=str))


def _methods(table: pd.DataFrame) -> list[str]:
    """The methods of a table, the plain one first."""
    return sorted(table["method"].unique(), key=lambda name: (name != "none", name))


def _proxies(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["role"] == "free"]
