"""Charts hold what the tables hold, and the slider's networks are the best within their limits."""

import base64
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd import figures
from mf_nas_kd.figures.charts import cost_chart, cost_limits, packed_library
from mf_nas_kd.figures.style import COLOURS
from mf_nas_kd.records.metrics import ACCURACY, METRICS
from tests import final_tables
from tests.report_page import FULL, correlations, trace


def by_name(chart):
    """Traces of a chart as a page reads them, by their labels; of several with one label the first."""
    traces = json.loads(chart.to_json())["traces"]
    return {each["name"]: each for each in reversed(traces)}


def test_the_chart_of_costs_has_every_network_once():
    references = final_tables.references()
    traces = by_name(cost_chart(final_tables.searched(), final_tables.front(), references, ACCURACY))
    assert len(traces["evaluations of the search"]["x"]) == len(final_tables.searched())
    finals = [traces[name] for name in ("winner", "other finalist", "reference", "teacher")]
    assert sum(len(each["x"]) for each in finals) == len(references)
    assert traces["winner"]["x"] == [400_000]
    assert traces["Pareto front"]["x"] == final_tables.front()["macs"].tolist()
    assert "latency" not in str(traces)


def test_the_text_of_a_network_has_its_latency_where_it_was_measured():
    references = final_tables.references().assign(latency_ms=[0.25, *[np.nan] * 5])
    traces = by_name(cost_chart(final_tables.searched(), final_tables.front(), references, ACCURACY))
    assert "<br>latency 0.25 ms<br>" in traces["winner"]["hovertext"][0]
    assert "latency" not in traces["reference"]["hovertext"][0]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_each_limit_has_the_network_with_the_highest_validation_metric_within_it(metric):
    references = final_tables.references()
    limits = cost_limits(references, metric)
    networks = references[references["role"] != "teacher"]
    for limit in sorted(networks["macs"]):
        within = networks[networks["macs"] <= limit]
        chosen = limits[limits["macs"] <= limit].iloc[-1]
        assert chosen["val"] == within[metric.validation].max()
    assert limits["name"].tolist() == ["smallest of the space", "other", final_tables.architecture().id]


def test_a_teacher_and_a_network_without_a_metric_are_no_choice():
    references = final_tables.references().assign(val_accuracy=[np.nan, *[0.5] * 5])
    assert cost_limits(references, ACCURACY)["name"].tolist() == ["smallest of the space"]


def test_the_chart_of_agreement_has_both_panels_with_the_ends_of_the_intervals():
    chart = figures.agreement_chart(correlations("kd"))
    distilled = [each for each in chart.traces if each["name"] == "kd"]
    assert [each["yaxis"] for each in distilled] == ["y", "y2"]
    assert [each["y"] for each in distilled] == [[0.6], [0.4]]
    np.testing.assert_allclose([each["error_y"]["array"] for each in distilled], 0.1)
    assert [each["showlegend"] for each in distilled] == [True, False]
    assert {"macs (zero-cost proxy)", "params (zero-cost proxy)", "plain (none)"} <= set(by_name(chart))


def test_intervals_that_are_not_known_are_said_to_be_none():
    rows = correlations("kd").assign(kendall_low=np.nan, kendall_high=np.nan)
    trace_of = by_name(figures.agreement_chart(rows))["kd"]
    assert trace_of["error_y"]["array"] == [0.0]
    assert "tau 0.60, no interval" in trace_of["hovertext"][0]


def test_a_study_without_low_fidelities_has_a_chart():
    table = correlations("kd")
    assert by_name(figures.agreement_chart(table[table["role"] != "low"]))


def test_the_chart_of_the_search_tells_kinds_of_steps_apart():
    traces = by_name(figures.progress_chart(trace("kd"), pd.DataFrame([FULL | {"role": "full"}]), ACCURACY))
    assert traces["high-fidelity evaluations"]["x"] == [3.0, 6.0]
    assert traces["low-fidelity evaluations"]["y"] == [0.72]
    below = traces["low-fidelity evaluations below their promotion<br>threshold"]
    assert below["y"] == [0.61]
    assert below["marker"]["symbol"] == "triangle-down-open"
    assert traces["incumbent: best high-fidelity evaluation so far"]["y"] == [None, 0.9, 0.9, 0.95]
    assert "promotion threshold: 70.00 %" in below["hovertext"][0]


def test_what_is_black_has_the_colour_of_the_page_s_text():
    low = correlations("kd").iloc[1]
    methods = pd.DataFrame([{**low, "distillation": f"loss{number}"} for number in range(len(COLOURS))])
    traces = json.loads(figures.agreement_chart(methods).to_json())["traces"]
    colours = [each["marker"]["color"] for each in traces[: len(COLOURS)]]
    assert colours == [*COLOURS[:-1], "@ink"]
    assert "#000000" not in str(traces)


def test_names_are_no_markup_in_a_chart():
    text = figures.agreement_chart(correlations("</script><b>")).to_json()
    assert "<" not in text
    assert "&lt;/script&gt;&lt;b&gt;" in json.loads(text)["traces"][1]["hovertext"][0]


def test_the_packed_library_is_plotly_and_the_same_every_time():
    packed = packed_library()
    assert gzip.decompress(base64.b64decode(packed)).startswith(b"/**\n* plotly.js (basic - minified) v4.1.1")
    assert packed == packed_library()
    assert len(packed) < 600_000
