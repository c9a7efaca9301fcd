"""Zero-cost proxies of a table's candidates in replayed searches."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from mf_nas_kd.benchmarks.entries import Entry, benchmark_runs
from mf_nas_kd.benchmarks.proxy_entries import proxy_orders, with_known_proxies
from mf_nas_kd.benchmarks.replay import replay_tasks
from mf_nas_kd.registry import NoOptions
from mf_nas_kd.search.budget import UNLIMITED
from tests.search.tables import table

PLAIN = table((0.6, 0.7, 0.65, 0.8))
SCORED = replace(PLAIN, candidates=PLAIN.candidates.assign(naswot=[3.0, 1.0, 2.0, float("-inf")], naswot_seconds=0.1))


def entry(*proxies):
    return Entry.model_validate({"strategy": "random", "low": "none", "proxies": proxies})


def test_each_proxy_of_the_table_is_an_order():
    assert proxy_orders(PLAIN) == {}
    assert proxy_orders(SCORED) == {
        "naswot_order": Entry(strategy="proxy_order", low="none", options={"proxy": "naswot"})
    }


def test_models_of_a_replay_see_proxies_only_if_their_entry_says_so():
    task = replay_tasks(SCORED, {"all": 1.0})["all"]
    assert [each.proxies for each in task.problem.candidates] == [{"naswot": v} for v in (3.0, 1.0, 2.0, float("-inf"))]
    entries = {"without": entry(), "with": entry("naswot")}
    runs = benchmark_runs(SCORED, entries, dict.fromkeys(entries, NoOptions()), {"all": 1.0}, UNLIMITED, 0.5)
    assert [run.task.problem.inputs.proxies.shape[1] for run in runs] == [2, 3]


def test_an_entry_that_sees_what_a_table_lacks_is_left_out_there(caplog):
    entries = {"without": entry(), "with": entry("naswot")}
    assert with_known_proxies(SCORED, entries) == entries
    assert list(with_known_proxies(PLAIN, entries)) == ["without"]
    assert "with is left out, the table has no naswot" in caplog.text
    with pytest.raises(ValidationError, match="benchmark's proxies is 'luck'"):
        entry("luck")
