import csv
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Costs
from mf_nas_kd.spaces import Architecture, build_space
from mf_nas_kd.spaces.nas_bench_201 import (
    EDGES,
    OPERATIONS,
    cell_of_operations,
    live_edges,
    live_params,
    operations_of_cell,
)
from tests.conftest import CHOICES

CELL = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
EDGES_OF_CELL = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none")


def space_of(**change):
    return build_space("nas_bench_201", {**CHOICES["nas_bench_201"], **change})


def architecture_of(*operations):
    return Architecture.of("nas_bench_201", cell=cell_of_operations(operations), stem=4, cells_per_stage=1)


def test_a_cell_and_its_operations_are_each_others_inverse():
    assert operations_of_cell(CELL) == EDGES_OF_CELL
    assert cell_of_operations(EDGES_OF_CELL) == CELL


@given(st.tuples(*[st.sampled_from(OPERATIONS)] * 6))
def test_every_cell_goes_there_and_back(operations):
    assert operations_of_cell(cell_of_operations(operations)) == operations


@given(st.tuples(*[st.sampled_from(OPERATIONS)] * 6), st.data())
def test_a_text_with_another_part_than_a_cell_is_refused(operations, data):
    parts = re.findall(r"[a-z_0-9]+|~\d|[|+]", cell_of_operations(operations))
    first = data.draw(st.integers(0, len(parts)))
    last = data.draw(st.integers(first, min(first + 2, len(parts))))
    other = data.draw(st.sampled_from(["", "|", "+", "~0", "~1", "~2", " ", *OPERATIONS]))
    text = "".join([*parts[:first], other, *parts[last:]])
    try:
        found = operations_of_cell(text)
    except InvalidValueError:
        return
    assert cell_of_operations(found) == text


@given(
    st.lists(st.sampled_from(OPERATIONS), min_size=2, unique=True).map(lambda some: sorted(some, key=OPERATIONS.index)),
    st.data(),
)
def test_neighbours_are_symmetric_whatever_operations_there_are(operations, data):
    space = space_of(operations=operations)
    architecture = architecture_of(*data.draw(st.tuples(*[st.sampled_from(operations)] * 6)))
    neighbours = space.neighbours(architecture)
    assert len(set(neighbours)) == 6 * (len(operations) - 1)
    assert all(architecture in space.neighbours(neighbour) for neighbour in neighbours)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "none",
        CELL[:-1],
        CELL + "|",
        CELL.replace("nor_conv_1x1", "sep_conv_3x3"),
        CELL.replace("~2", "~1"),
        CELL.replace("+", ""),
        CELL.replace("|none~2|", "|none~2|none~2|"),
        " " + CELL,
    ],
)
def test_a_malformed_cell_is_refused(cell):
    with pytest.raises(InvalidValueError, match=r"cell is '.*', but must be \|op~0\|\+\|op~0\|op~1\|.* one of: none, "):
        operations_of_cell(cell)


@pytest.mark.parametrize("operations", [EDGES_OF_CELL[:5], (*EDGES_OF_CELL, "none"), (*EDGES_OF_CELL[:5], "max")])
def test_operations_that_make_no_cell_are_refused(operations):
    with pytest.raises(
        InvalidValueError, match="operations of a cell is .* but must be 6 of: none, skip_connect, nor_"
    ):
        cell_of_operations(operations)


def test_all_operations_give_the_benchmark():
    assert space_of(operations=OPERATIONS).size == 15_625


def test_every_cell_of_the_benchmark_is_read_and_written(published):
    file = published.parent / "nas_bench_201" / "nas_bench_201.csv"
    if not file.is_file():
        pytest.skip("the table nas_bench_201/nas_bench_201.csv is not beside the folder of the published tables")
    with file.open(newline="") as opened:
        cells = [row["cellstr"] for row in csv.DictReader(opened)]
    assert [cell_of_operations(operations_of_cell(cell)) for cell in cells] == cells
    assert len({operations_of_cell(cell) for cell in cells}) == len(cells) == 15_625


def test_encoding_says_what_live_edges_do_and_counts_over_live_paths():
    """Input to node 2 by a skip, from there to the output by a 3x3 convolution; node 1 is not reached."""
    architecture = architecture_of("none", "skip_connect", "nor_conv_3x3", "none", "none", "nor_conv_3x3")
    none, skip, convolution = (1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 0, 1, 0)
    counts = (1, 1, 1, 1, 0, 1, 0, 0, 1, 0)
    assert space_of().encode(architecture) == (*none, *skip, *none, *none, *none, *convolution, *counts)


def test_what_happens_on_a_dead_edge_is_not_encoded():
    """All paths but the direct one are cut at node 3."""
    cells = [
        architecture_of("nor_conv_3x3", other, other, "skip_connect", "none", "none")
        for other in ("none", "skip_connect", "nor_conv_3x3")
    ]
    assert len({space_of().encode(cell) for cell in cells}) == 1
    assert space_of().encode(cells[0])[-10:] == (1, 0, 0, 1, 0, 0, 0, 1, 0, 0)


def test_neighbours_differ_in_one_edge():
    space = space_of(operations=["none", "nor_conv_1x1"])
    expected = {architecture_of(*["none"] * edge, "nor_conv_1x1", *["none"] * (5 - edge)) for edge in range(6)}
    assert set(space.neighbours(architecture_of(*["none"] * 6))) == expected
    assert len(space_of(operations=OPERATIONS).neighbours(architecture_of(*EDGES_OF_CELL))) == 6 * 4


@pytest.mark.parametrize("change", [{"stem": 8}, {"cells_per_stage": 2}, {"operations": ["none"]}])
def test_an_architecture_of_other_choices_is_refused(change):
    with pytest.raises(InvalidValueError, match="must be one of the space"):
        space_of(**change).encode(architecture_of(*["skip_connect"] * 6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operations": ["nor_conv_1x1", "none"]}, "without repetition and in this order: none, skip_connect, nor_conv_1"),
        ({"operations": ["none", "none"]}, "without repetition"),
        ({"operations": ["none", "sep_conv_3x3"]}, "in this order: none"),
        ({"operations": []}, "at least 1 item"),
        ({"stem": 0}, "greater than 0"),
        ({"stem": [4]}, "valid integer"),
    ],
)  # fmt: skip
def test_wrong_choices_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        space_of(**change)


def test_live_parameters_are_those_of_the_network_without_its_dead_edges():
    """Of networks that are built: dead edges become ``none``, whose parameters are none."""
    rng = np.random.default_rng(0)
    cost_of = CostCounter(classes=10, image_shape=(3, 16, 16))
    some_were_dead = False
    for _ in range(30):
        operations = [str(name) for name in rng.choice(OPERATIONS, size=len(EDGES))]
        kept = [
            name if edge in live_edges(operations) else "none" for name, edge in zip(operations, EDGES, strict=True)
        ]
        architecture, alive = (
            Architecture.of("nas_bench_201", stem=4, cells_per_stage=2, cell=cell_of_operations(each))
            for each in (operations, kept)
        )
        assert live_params(architecture, cost_of(architecture)) == cost_of(alive).params
        some_were_dead |= cost_of(alive) != cost_of(architecture)
    assert some_were_dead


def test_live_parameters_are_of_this_space_only(architectures):
    assert live_params(architectures[0], Costs(1, 1)) is None


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_samples_are_those_of_a_choice_for_each_edge(count):
    """Pools of earlier versions were drawn so."""
    operations = OPERATIONS[:count]
    space = build_space("nas_bench_201", {"stem": 4, "cells_per_stage": 1, "operations": operations})
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(50):
        cell = cell_of_operations([str(reference.choice(operations)) for _ in range(6)])
        assert space.sample(rng).fields["cell"] == cell
