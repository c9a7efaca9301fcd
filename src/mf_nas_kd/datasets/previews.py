"""What kedro-viz shows of a dataset beside the drawing of a pipeline.

kedro-viz 12.5 reads the kind of a preview from the name of its type.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NewType

import pandas as pd
from kedro_datasets._typing import HTMLPreview, TablePreview

from mf_nas_kd.records import Evaluation
from mf_nas_kd.spaces.description import architecture_words

TextPreview = NewType("TextPreview", str)
"""Text as it is; kedro-viz shows it, and kedro-datasets has no name for it."""

MOST_CHARACTERS = 20_000

_KEPT = {"h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "strong", "em", "code"}
_LEFT_OUT = {"head", "script", "style", "svg", "nav", "button", "template"}


def page_preview(page: str) -> HTMLPreview:
    """The beginning of a page as headings, paragraphs, lists and tables, without pictures and styles.

    kedro-viz puts it into its own page, whose look styles would change.

    >>> page_preview("<head><title>t</title></head><h1 class='x'>A &amp; B</h1><svg><text>y</text></svg><p>c</p>")
    '<h1>A &amp; B</h1><p>c</p>'
    """
    reader = _Reader()
    reader.feed(page)
    return HTMLPreview("".join(reader.parts))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._length = 0
        self._inside: list[str] = []
        """Open elements that are left out, with everything in them."""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _LEFT_OUT:
            self._inside.append(tag)
        elif tag in _KEPT:
            self._add(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()
        elif tag in _KEPT:
            self._add(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._add(html.escape(data))

    def _add(self, text: str) -> None:
        if not self._inside and self._length < MOST_CHARACTERS:
            self.parts.append(text)
            self._length += len(text)


def text_preview(files: Mapping[str, bytes], name: str) -> TextPreview:
    """The text of one of some files, or their names where it is not there."""
    text = files[name].decode(errors="replace") if name in files else "\n".join(files)
    return TextPreview(text[:MOST_CHARACTERS])


def evaluations_preview(evaluations: pd.DataFrame) -> TablePreview:
    """Evaluations as a table of what a person looks for: network and fidelity in words, outcome, scores, costs."""
    rows = [_row(Evaluation.from_row(row)) for _, row in evaluations.iterrows()]
    return TablePreview(pd.DataFrame(rows).to_dict(orient="split"))


def _row(evaluation: Evaluation) -> dict[str, object]:
    metrics = {name: "" if value is None else f"{value:.4f}" for name, value in evaluation.metrics.to_row().items()}
    return {
        "network": architecture_words(evaluation.architecture),
        "fidelity": str(evaluation.fidelity),
        "seed": evaluation.seed,
        "status": evaluation.status,
        **metrics,
        "cost_seconds": f"{evaluation.cost_seconds:.1f}",
        "macs": f"{evaluation.costs.macs:,}",
        "params": f"{evaluation.costs.params:,}",
        "finished_at": evaluation.finished_at,
    }
