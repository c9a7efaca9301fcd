"""Parts of the report about the study: what each shows, beside :class:`mf_nas_kd.figures.network.NetworkContent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from mf_nas_kd.figures.charts import Chart


@dataclass(frozen=True)
class RankingContent:
    """Whether low-fidelity evaluations could be trusted to rank, and paid.

    Attributes:
        verdict: Whether low-fidelity evaluations paid, in sentences, the answer first.
        savings: What they saved or lost, in one sentence; may be empty.
        proxies: What zero-cost proxies add to MACs and parameters, in one sentence.
        pictures: Pictures by their names in the template.
        charts: Charts by the names of their pictures.
        tables: Tables by their names in the template.
    """

    verdict: Sequence[str]
    savings: str
    proxies: str
    pictures: Mapping[str, Figure]
    charts: Mapping[str, Chart]
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class SearchContent:
    """What the search did.

    Attributes:
        facts: Figures of the search, such as the cost of each fidelity and why it ended, by their labels.
        pictures: Pictures by their names in the template.
        charts: Charts by the names of their pictures.
        tables: Tables by their names in the template.
    """

    facts: Mapping[str, str]
    pictures: Mapping[str, Figure]
    charts: Mapping[str, Chart]
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class StudyContent:
    """What was run, on which images.

    Attributes:
        facts: Facts of the study as texts by their labels.
        pictures: Pictures by their names in the template.
        tables: Tables by their names in the template.
        charts: Charts by the names of their pictures.
    """

    facts: Mapping[str, str]
    pictures: Mapping[str, Figure]
    tables: Mapping[str, pd.DataFrame]
    charts: Mapping[str, Chart] = field(default_factory=dict)
