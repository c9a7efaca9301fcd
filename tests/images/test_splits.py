import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import split_stratified


def labels_of(*classes):
    """So many images of each class, in order."""
    return torch.arange(len(classes)).repeat_interleave(torch.tensor(classes))


def test_a_split_keeps_the_proportions_of_classes_and_shares_no_image():
    labels = labels_of(40, 80)
    parts = split_stratified(labels, {"validation": 0.25, "test": 0.25}, seed=0, class_names=("a", "b"))
    assert {name: labels[positions].bincount().tolist() for name, positions in parts.items()} == {
        "train": [20, 40],
        "validation": [10, 20],
        "test": [10, 20],
    }
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(120))


def test_impossible_splits_are_refused():
    with pytest.raises(InvalidValueError, match="split fractions is .* must be positive and sum to less than 1"):
        split_stratified(labels_of(10, 20), {"validation": 0.5, "test": 0.5}, seed=0, class_names=("a", "b"))
    with pytest.raises(
        InvalidValueError, match=r"images of the class 'a' is 1, .* every part, train and validation \(0.25"
    ):
        split_stratified(labels_of(1, 20), {"validation": 0.25, "test": 0.25}, seed=0, class_names=("a", "b"))


FRACTIONS = st.fixed_dictionaries({"validation": st.floats(0.05, 0.45), "test": st.floats(0.05, 0.45)})


@given(classes=st.lists(st.integers(1, 60), min_size=2, max_size=5), fractions=FRACTIONS, seed=st.integers(0, 2**32))
def test_parts_share_no_image_lose_none_and_have_every_class(classes, fractions, seed):
    labels, names = labels_of(*classes), [str(label) for label in range(len(classes))]
    try:
        parts = split_stratified(labels, fractions, seed, names)
    except InvalidValueError:
        counts = [[round(fraction * size) for fraction in fractions.values()] for size in classes]
        assert any(0 in drawn or sum(drawn) >= size for drawn, size in zip(counts, classes, strict=True))
        return
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(len(labels)))
    for name, positions in parts.items():
        assert positions.tolist() == sorted(positions.tolist())
        found = labels[positions].bincount(minlength=len(classes)).tolist()
        assert all(found), f"{name} lacks a class"
        if name in fractions:
            assert found == [round(fractions[name] * size) for size in classes]


@given(seed=st.integers(0, 2**32))
def test_a_seed_gives_one_split_and_another_seed_another(seed):
    labels = labels_of(50, 50)
    first, again, other = (
        split_stratified(labels, {"test": 0.5}, s, ("a", "b"))["test"].tolist() for s in (seed, seed, seed + 1)
    )
    assert first == again != other
