import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import split_stratified
from mf_nas_kd.images.splits import draw_splits
from mf_nas_kd.seeding import numpy_generator


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
        assert min(classes) < 3
        return
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(len(labels)))
    for name, positions in parts.items():
        assert positions.tolist() == sorted(positions.tolist())
        found = labels[positions].bincount(minlength=len(classes)).tolist()
        assert all(found), f"{name} lacks a class"
    for label, size in enumerate(classes):
        drawn = [round(fraction * size) for fraction in fractions.values()]
        if 0 not in drawn and sum(drawn) < size:
            assert [int((labels[parts[name]] == label).sum()) for name in fractions] == drawn


def test_a_class_of_few_images_has_one_in_every_part():
    parts = split_stratified(labels_of(3, 40), {"validation": 0.1, "test": 0.1}, seed=0, class_names=("a", "b"))
    assert {name: (positions < 3).sum().item() for name, positions in parts.items()} == {
        "train": 1,
        "validation": 1,
        "test": 1,
    }


def as_before(labels, fractions, seed):
    """The split as it was before there were groups."""
    rng, chosen = numpy_generator(seed, "split"), {name: [] for name in ("train", *fractions)}
    for label in labels.unique().tolist():
        shuffled, start = rng.permutation((labels == label).nonzero().flatten().numpy()).tolist(), 0
        for name, fraction in fractions.items():
            count = round(fraction * len(shuffled))
            chosen[name] += shuffled[start : start + count]
            start += count
        chosen["train"] += shuffled[start:]
    return {name: sorted(positions) for name, positions in chosen.items()}


@given(classes=st.lists(st.integers(20, 60), min_size=2, max_size=5), fractions=FRACTIONS, seed=st.integers(0, 2**32))
def test_without_groups_the_split_is_that_of_earlier_versions(classes, fractions, seed):
    labels = labels_of(*classes)
    for groups in (None, np.arange(len(labels))):
        parts = split_stratified(labels, fractions, seed, "abcde", groups)
        assert {name: positions.tolist() for name, positions in parts.items()} == as_before(labels, fractions, seed)


@st.composite
def grouped(draw, mixed):
    """Labels in random order, and groups: of one class each, or of any."""
    sizes = draw(st.lists(st.lists(st.integers(1, 8), min_size=3, max_size=20), min_size=2, max_size=4))
    labels = np.concatenate([np.repeat(label, sum(groups)) for label, groups in enumerate(sizes)])
    groups = np.repeat(np.arange(sum(map(len, sizes))), np.concatenate(sizes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups = rng.permutation(groups) if mixed else groups
    order = rng.permutation(len(labels))
    return torch.from_numpy(labels[order]), groups[order]


def torn(parts, groups):
    return [g for g in np.unique(groups) if sum(g in groups[positions] for positions in parts.values()) > 1]


@given(images=grouped(mixed=False), fractions=FRACTIONS, seed=st.integers(0, 2**32))
def test_groups_of_one_class_are_whole_and_every_part_has_every_class(images, fractions, seed):
    labels, groups = images
    parts = split_stratified(labels, fractions, seed, "abcd", groups)
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(len(labels)))
    assert torn(parts, groups) == []
    for positions in parts.values():
        assert (labels[positions].bincount(minlength=len(labels.unique())) > 0).all()


@given(images=grouped(mixed=True), fractions=FRACTIONS, seed=st.integers(0, 2**32))
def test_groups_of_several_classes_are_whole_or_refused(images, fractions, seed):
    labels, groups = images
    try:
        parts = split_stratified(labels, fractions, seed, "abcd", groups)
    except InvalidValueError:  # a class is in too few groups, or in groups with others that need each other
        return
    assert torch.cat(list(parts.values())).sort().values.tolist() == list(range(len(labels)))
    assert torn(parts, groups) == []
    assert all((labels[positions].bincount(minlength=len(labels.unique())) > 0).all() for positions in parts.values())


@given(
    sizes=st.lists(st.lists(st.integers(1, 5), min_size=40, max_size=80), min_size=2, max_size=3),
    fractions=FRACTIONS,
    seed=st.integers(0, 2**32),
)
def test_with_small_groups_the_shares_are_near_those_asked_for(sizes, fractions, seed):
    labels = torch.from_numpy(np.repeat(np.arange(len(sizes)), [sum(groups) for groups in sizes]))
    groups = np.repeat(np.arange(sum(map(len, sizes))), np.concatenate(sizes))
    parts = split_stratified(labels, fractions, seed, "abc", groups)
    for name, fraction in fractions.items():
        for label, of_class in enumerate(sizes):
            assert abs((labels[parts[name]] == label).sum().item() - fraction * sum(of_class)) <= 5.5


def test_groups_and_single_images_are_divided_in_the_same_proportions():
    labels, groups = torch.zeros(200, dtype=torch.int64), np.concatenate([np.arange(100), 100 + np.arange(100) // 5])
    parts = split_stratified(labels, {"validation": 0.25, "test": 0.25}, 0, "a", groups)
    assert {name: len(positions) for name, positions in parts.items()} == {"train": 100, "validation": 50, "test": 50}
    assert {name: (positions >= 100).sum().item() for name, positions in parts.items()} == {
        "train": 50,
        "validation": 25,
        "test": 25,
    }


def test_a_class_in_too_few_groups_is_refused_in_one_line():
    groups = np.concatenate([np.arange(20), np.repeat([20, 21], 10)])
    with pytest.raises(
        InvalidValueError, match=r"number of groups of the class 'b' is 2, .* its 20 images belong"
    ) as refused:
        split_stratified(labels_of(20, 20), {"validation": 0.25, "test": 0.25}, 0, "ab", groups)
    assert "\n" not in str(refused.value)


def test_training_images_that_belong_to_given_test_images_are_left_out():
    labels, given = np.repeat([0, 1], 12), np.array((["train"] * 9 + ["test"] * 3) * 2)
    groups = np.arange(24)
    groups[[0, 1, 9]] = 100  # two training images belong to a test image
    groups[[2, 3]] = 101
    parts = draw_splits(labels, given, {"validation": 0.3, "test": 0.3}, 0, "ab", groups)
    assert parts["test"].tolist() == [9, 10, 11, 21, 22, 23]
    assert sorted([*parts["train"].tolist(), *parts["validation"].tolist()]) == [*range(2, 9), *range(12, 21)]
    assert (2 in parts["train"]) == (3 in parts["train"])


def test_a_class_that_is_left_out_altogether_is_refused():
    labels, given = np.repeat([0, 1], 4), np.array(["train", "train", "test", "test"] * 2)
    groups = np.array([0, 0, 0, 1, 2, 3, 4, 5])
    with pytest.raises(InvalidValueError, match="training images of the class 'a' is 0, but must be at least 1 that"):
        draw_splits(labels, given, {"test": 0.5}, 0, "ab", groups)


@given(seed=st.integers(0, 2**32))
def test_a_seed_gives_one_split_and_another_seed_another(seed):
    labels = labels_of(50, 50)
    first, again, other = (
        split_stratified(labels, {"test": 0.5}, s, ("a", "b"))["test"].tolist() for s in (seed, seed, seed + 1)
    )
    assert first == again != other
