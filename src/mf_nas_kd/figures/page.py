"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.fields import storable

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
        facts: Facts of the study as texts by their labels.
        verdict: Sentences, the answer first.
        winner: ``winner``.
        pictures: Pictures by their names in the template.
    """

    dataset: str
    tables: Mapping[str, pd.DataFrame]
    ended_early: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    verdict: Sequence[str] = ()
    winner: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, Figure] = field(default_factory=dict)


def report_page(content: ReportContent) -> str:
    """Render the report as HTML; the pictures are part of the page, as SVG, and nothing is loaded from elsewhere."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files("mf_nas_kd.figures").joinpath("page.html").read_text("utf-8"))
    page = template.render(
        content=content,
        pictures={name: _svg(picture, name) for name, picture in content.pictures.items()},
        tables={name: _html(table) for name, table in content.tables.items()},
    )
    return storable(page)


def _svg(picture: Figure, name: str) -> Markup:
    """The picture as an SVG element; its ids depend on the name, so that several fit into one page."""
    buffer = io.StringIO()
    with rc_context(
        {"svg.hashsalt": name, "svg.fonttype": "none", "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"]}
    ):
        picture.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])  # noqa: S704 - made by matplotlib from our own numbers


def _html(table: pd.DataFrame) -> Markup:
    formatters: dict[str, Callable[..., str]] = {name: "{:,.0f}".format for name in WHOLE_NUMBERS if name in table}
    if "train_fraction" in table:
        formatters["train_fraction"] = fraction_text
    with pd.option_context("display.max_colwidth", None):  # a reason for a failure is a whole sentence
        html = table.to_html(
            index=False, border=0, na_rep="", float_format="{:.3f}".format, formatters=formatters, classes="data"
        )
    return Markup(html)  # noqa: S704 - pandas has escaped the cells
