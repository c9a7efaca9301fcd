"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from mf_nas_kd.figures.charts import LIBRARY_NAME, json_for_page, packed_library
from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.figures.network import NetworkContent
from mf_nas_kd.figures.numbers import percent, percent_with_interval, short_count
from mf_nas_kd.figures.parts import RankingContent, SearchContent, StudyContent
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import storable
from mf_nas_kd.records.titles import images_title

WHOLE_NUMBERS = ("n", "step", *(column.name for column in Evaluation.columns() if column.type is int))
"""Columns of tables without decimals."""


@dataclass(frozen=True)
class ReportContent:
    """Contents of the report of a study that has found a network.

    Attributes:
        dataset: Name of the images.
        network: The network.
        ranking: Whether low-fidelity evaluations could be trusted to rank.
        search: The search.
        study: What was run.
    """

    dataset: str
    network: NetworkContent
    ranking: RankingContent
    search: SearchContent
    study: StudyContent


def report_page(content: ReportContent) -> str:
    """Render the report as HTML; the pictures are part of the page, as SVG, and nothing is loaded from elsewhere."""
    parts = (content.network, content.ranking, content.search, content.study)
    pictures = {name: picture for part in parts for name, picture in part.pictures.items()}
    charts = {name: chart for part in parts for name, chart in part.charts.items()}
    tables = {name: table for part in parts for name, table in part.tables.items()}
    return _rendered(
        "page.html",
        dataset=images_title(content.dataset),
        network=content.network,
        ranking=content.ranking,
        search=content.search,
        study=content.study,
        pictures={name: _svg(picture, name) for name, picture in pictures.items()},
        charts={name: Markup(chart.to_json()) for name, chart in charts.items()},  # noqa: S704 - no "<" is left in it
        tables={name: _html(table) for name, table in tables.items()},
        **_script(content.network),
    )


def early_end_page(dataset: str, reason: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """The page of a study that ended before there was a network: why, and what was evaluated.

    Args:
        dataset: Name of the images.
        reason: Why it ended.
        tables: Tables of evaluations, see :func:`mf_nas_kd.figures.evaluation_tables`.
    """
    in_html = {name: _html(table) for name, table in tables.items()}
    return _rendered("early_end.html", dataset=images_title(dataset), reason=reason, tables=in_html)


def _rendered(template: str, **values: Any) -> str:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "percent_with_interval": percent_with_interval, "short": short_count}
    return storable(environment.get_template(template).render(values))


def _template(name: str) -> str:
    return resources.files("mf_nas_kd.figures").joinpath(name).read_text("utf-8")


def _script(network: NetworkContent) -> dict[str, str]:
    """What draws the charts: plotly.js, its name and its size in the page, and the script of the page."""
    packed = packed_library()
    return {
        "library": LIBRARY_NAME,
        "library_megabytes": f"{len(packed) / 1e6:.2f}",
        "packed_library": packed,
        "script": Markup(_template("page.js")),  # noqa: S704 - a file of this package
        "cost_limits": Markup(json_for_page(network.limits)),  # noqa: S704 - no "<" is left in it
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
