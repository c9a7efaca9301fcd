"""Pictures that answer to the mouse: a value for plotly.js each, beside the still picture of the same name.

A chart is drawn by the script of the page (``page.js``). Where scripts do not run, and on paper, the still picture
stands.

``plotly-basic.min.js`` is the package plotly.js-basic-dist-min 4.1.1 as npm has it (MIT licence, ``plotly-LICENSE``).
"""

from mf_nas_kd.figures.charts.agreement import agreement_chart
from mf_nas_kd.figures.charts.chart import LIBRARY_NAME, Chart, json_for_page, packed_library
from mf_nas_kd.figures.charts.cost import cost_chart, cost_limits, limit_choices, limits_table
from mf_nas_kd.figures.charts.progress import progress_chart

__all__ = [
    "LIBRARY_NAME",
    "Chart",
    "agreement_chart",
    "cost_chart",
    "cost_limits",
    "json_for_page",
    "limit_choices",
    "limits_table",
    "packed_library",
    "progress_chart",
]
