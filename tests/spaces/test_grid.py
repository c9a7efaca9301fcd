import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mf_nas_kd.spaces.grid import AscendingChoices, Grid, observed

AXIS = st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True).map(lambda values: tuple(sorted(values)))
GRIDS = st.lists(AXIS, min_size=1, max_size=4).map(lambda axes: Grid(tuple(axes)))


@given(GRIDS, st.integers(0, 2**32))
def test_neighbours_are_symmetric_one_step_away_and_on_the_grid(grid, seed):
    point = grid.sample(np.random.default_rng(seed))
    assert point in grid
    neighbours = grid.neighbours(point)
    assert len(set(neighbours)) == len(neighbours)
    for neighbour in neighbours:
        assert neighbour in grid
        assert point in grid.neighbours(neighbour)
        steps = [abs(axis.index(a) - axis.index(b)) for axis, a, b in zip(grid.axes, point, neighbour, strict=True)]
        assert sum(steps) == 1


@given(GRIDS)
def test_neighbours_lead_to_every_point(grid):
    first = tuple(axis[0] for axis in grid.axes)
    reached, frontier = {first}, [first]
    while frontier:
        frontier = list({n for point in frontier for n in grid.neighbours(point)} - reached)
        reached |= set(frontier)
    assert len(reached) == grid.size


@given(GRIDS, st.integers(0, 2**32))
def test_logarithms_tell_all_points_apart_and_leave_out_what_does_not_vary(grid, seed):
    rng = np.random.default_rng(seed)
    first, second = grid.sample(rng), grid.sample(rng)
    assert (grid.logarithms(first) == grid.logarithms(second)) == (first == second)
    assert len(grid.logarithms(first)) == sum(len(axis) > 1 for axis in grid.axes)


def test_a_point_of_another_length_or_value_is_not_on_the_grid():
    grid = Grid(((1, 2), (4,)))
    assert (1, 4) in grid
    assert not any(point in grid for point in [(1,), (1, 4, 4), (3, 4), (4, 1)])
    assert grid.logarithms((1, 4)) == (0.0,)


def test_observed_values_are_ascending_and_without_repetition():
    assert observed([(4, 1), (2, 1), (4, 3)]) == [[2, 4], [1, 3]]


@pytest.mark.parametrize("choices", [[2, 1], [1, 1], [], [0, 1]])
def test_choices_that_do_not_ascend_are_refused(choices):
    with pytest.raises(ValidationError):
        TypeAdapter(AscendingChoices).validate_python(choices)
