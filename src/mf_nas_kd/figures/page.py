"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import resources

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from mf_nas_kd.figures.charts import LIBRARY_NAME, Chart, json_for_page, packed_library
from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.figures.network import NetworkContent
from mf_nas_kd.figures.numbers import percent, percent_with_interval, short_count
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import storable
from mf_nas_kd.records.metrics import ACCURACY, Metric

WHOLE_NUMBERS = ("n", "step", *(column.name for column in Evaluation.columns() if column.type is int))
"""Columns of tables without decimals."""


@dataclass(frozen=True)
class ReportContent:
    """Contents of the report.

    Attributes:
        dataset: Name of the images.
        tables: Tables by their names in the template.
        ended_early: Why the run ended before there was a winner; empty if there is one. Without a winner, the page has
            tables of evaluations only.
        metric: The metric that selects.
        network: What is shown of the network; None where there is none.
        verdict: Whether low-fidelity evaluations paid, in sentences, the answer first.
        savings: What they saved or lost, in one sentence; may be empty.
        proxies: What zero-cost proxies add to MACs and parameters, in one sentence.
        search_figures: Figures of the search, such as the cost of each fidelity and why it ended, by their labels.
        facts: Facts of the study as texts by their labels.
        pictures: Pictures by their names in the template.
        charts: Charts by the names of the pictures that stand for them where scripts do not run.
    """

    dataset: str
    tables: Mapping[str, pd.DataFrame]
    ended_early: str = ""
    metric: Metric = ACCURACY
    network: NetworkContent | None = None
    verdict: Sequence[str] = ()
    savings: str = ""
    proxies: str = ""
    search_figures: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Figure] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)


def report_page(content: ReportContent) -> str:
    """Render the report as HTML; the pictures are part of the page, as SVG, and nothing is loaded from elsewhere."""
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "percent_with_interval": percent_with_interval, "short": short_count}
    network = content.network
    pictures = {**content.pictures, **(network.pictures if network else {})}
    charts = {**content.charts, **(network.charts if network else {})}
    tables = {name: _html(table) for name, table in content.tables.items()}
    of_network = {name: _text_html(table) for name, table in (network.tables if network else {}).items()}
    page = environment.get_template("page.html").render(
        content=content,
        network=network,
        pictures={name: _svg(picture, name) for name, picture in pictures.items()},
        charts={name: Markup(chart.to_json()) for name, chart in charts.items()},  # noqa: S704 - no "<" is left in it
        tables={**tables, **of_network},
        **(_script(network) if charts else {}),
    )
    return storable(page)


def _template(name: str) -> str:
    return resources.files("mf_nas_kd.figures").joinpath(name).read_text("utf-8")


def _script(network: NetworkContent | None) -> dict[str, str]:
    """What draws the charts: plotly.js, its name and its size in the page, and the script of the page."""
    packed = packed_library()
    limits = json_for_page(network.limits if network else [])
    return {
        "library": LIBRARY_NAME,
        "library_megabytes": f"{len(packed) / 1e6:.2f}",
        "packed_library": packed,
        "script": Markup(_template("page.js")),  # noqa: S704 - a file of this package
        "cost_limits": Markup(limits),  # noqa: S704 - no "<" is left in it
    }


def _svg(picture: Figure, name: str) -> Markup:
    """The picture as an SVG element; its ids depend on the name, so that several fit into one page.

    Its background is that of the page, and what is black has the colour of the page's text.
    """
    buffer = io.StringIO()
    with rc_context(
        {"svg.hashsalt": name, "svg.fonttype": "none", "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"]}
    ):
        picture.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    themed = re.sub("(?<=(?:fill|roke): )#000000", "currentColor", text[text.index("<svg") :])
    return Markup(themed)  # noqa: S704 - made by matplotlib, which escapes texts


def _html(table: pd.DataFrame) -> Markup:
    """A table of the study; of its numbers, accuracies are in per cent, whole ones as such, others with 3 decimals."""
    numbers = table.select_dtypes("number")
    formatters: dict[str, Callable[..., str]] = {name: "{:,.0f}".format for name in WHOLE_NUMBERS if name in numbers}
    formatters |= {str(name): partial(percent, decimals=2) for name in numbers if str(name).endswith("accuracy")}
    if "train_fraction" in table:
        formatters["train_fraction"] = fraction_text
    formatters = {_heading(name): formatter for name, formatter in formatters.items()}
    with pd.option_context("display.max_colwidth", None):  # a reason for a failure is a whole sentence
        html = table.rename(columns=_heading).to_html(
            index=False, border=0, na_rep="", float_format="{:.3f}".format, formatters=formatters, classes="data"
        )
    return Markup(html)  # noqa: S704 - pandas has escaped the cells


def _heading(column: object) -> str:
    """Name of a column in words, so that a heading can be broken into lines."""
    return str(column).replace("_", " ")


def _text_html(table: pd.DataFrame) -> Markup:
    """A table whose cells are texts already."""
    with pd.option_context("display.max_colwidth", None):
        return Markup(table.to_html(index=False, border=0, na_rep="", classes="data"))  # noqa: S704 - as above
