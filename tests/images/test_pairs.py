import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.images import PairIndex


@given(st.integers(1, 500), st.data())
def test_a_pair_is_a_number_of_its_own_and_comes_back(augmentations, data):
    pair = st.tuples(st.integers(0, 10**6), st.integers(0, augmentations - 1))
    drawn = data.draw(st.lists(pair, min_size=1, max_size=20, unique=True))
    positions, rows = torch.tensor(drawn).unbind(dim=1)
    index = PairIndex(augmentations)
    pairs = index.encode(positions, rows)
    assert len(pairs.unique()) == len(drawn)
    assert [part.tolist() for part in index.decode(pairs)] == [positions.tolist(), rows.tolist()]


def test_positions_in_a_subset_become_positions_among_all_images():
    index, subset = PairIndex(9), torch.tensor([2, 5, 11])
    positions, rows = torch.tensor([0, 2, 2]), torch.tensor([8, 0, 3])
    pairs = index.encode(positions, rows)
    assert torch.equal(index.within(subset, pairs), index.encode(subset[positions], rows))
