from fractions import Fraction

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.records import Architecture, Costs, Evaluation, Fidelity
from mf_nas_kd.records.tables import at_fidelity, candidate_table, fidelities_in, records_of, table_of
from tests.fakes import evaluation
from tests.properties import ARCHITECTURES, FIDELITIES, SEEDS

ARCHITECTURE = Architecture.of("mobilenet_v2", stem=4)


@given(st.lists(st.tuples(ARCHITECTURES, FIDELITIES, SEEDS), min_size=1, max_size=5))
def test_evaluations_survive_a_table(trainings):
    records = [evaluation(str(i), *training, 0.5) for i, training in enumerate(trainings)]
    assert records_of(table_of(records, Evaluation), Evaluation) == records


@given(st.lists(FIDELITIES, min_size=1, max_size=6))
def test_the_fidelities_of_a_table_are_found_each_once_with_their_rows(fidelities):
    table = table_of([evaluation(str(i), ARCHITECTURE, f, i, 0.5) for i, f in enumerate(fidelities)], Evaluation)
    assert fidelities_in(table) == tuple(dict.fromkeys(fidelities))
    for fidelity in fidelities:
        expected = [i for i, other in enumerate(fidelities) if other == fidelity]
        assert at_fidelity(table, fidelity)["seed"].tolist() == expected


def test_no_row_has_a_fidelity_that_was_not_trained():
    table = table_of([evaluation("k", ARCHITECTURE, Fidelity(Fraction(1, 27), epochs=3), 0, 0.5)], Evaluation)
    assert at_fidelity(table, Fidelity(Fraction(1, 27), epochs=4)).empty


def test_candidates_have_their_costs_beside_them():
    other = Architecture.of("mobilenet_v2", stem=8)
    table = candidate_table([ARCHITECTURE, other], lambda a: Costs(macs=10 * a.fields["stem"], params=1))
    assert table[["architecture_id", "macs", "params"]].to_numpy().tolist() == [
        [ARCHITECTURE.id, 40, 1],
        [other.id, 80, 1],
    ]
    assert records_of(table, Architecture) == [ARCHITECTURE, other]


def test_a_table_without_records_has_its_columns():
    empty = table_of([], Evaluation)
    assert list(empty.columns) == [column.name for column in Evaluation.columns()]
    assert isinstance(empty, pd.DataFrame)
    assert records_of(empty, Evaluation) == []
