from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import LabelledImages, SubsetOrder


def numbered(*classes):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(classes)])
    return LabelledImages(torch.zeros((len(labels), 1, 1, 1), dtype=torch.uint8), labels)


def test_subsets_are_nested_and_stratified(digits, order):
    fractions = [Fraction(1, 27), Fraction(1, 9), Fraction(1, 3), Fraction(1)]
    subsets = [order.positions(fraction) for fraction in fractions]
    for smaller, larger in pairwise(subsets):
        assert set(smaller.tolist()) < set(larger.tolist())
    assert subsets[-1].tolist() == list(range(len(digits.train)))
    shares = digits.train.labels[subsets[1]].bincount() / digits.train.labels.bincount()
    assert torch.allclose(shares, torch.tensor(1 / 9), atol=0.01)


def test_imbalance_is_kept_and_no_class_is_lost():
    order = SubsetOrder.draw(numbered(3, 90), seed=0)
    assert order.class_sizes(Fraction(1, 9)).tolist() == [1, 10]


def test_a_subset_smaller_than_the_classes_is_refused():
    order = SubsetOrder.draw(numbered(10, 20), seed=0)
    with pytest.raises(
        InvalidValueError, match=r"train_fraction is '1/27'.*at least 2/30: one image for each of the 2"
    ):
        order.positions(Fraction(1, 27))


PROPER = st.fractions(min_value=Fraction(1, 50), max_value=1, max_denominator=1000)


@given(
    classes=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    fractions=st.lists(PROPER, min_size=2, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_every_subset_lies_in_every_larger_one_and_keeps_the_classes(classes, fractions, seed):
    images = numbered(*classes)
    order, allowed = SubsetOrder.draw(images, seed), [f for f in sorted(fractions) if f * sum(classes) >= len(classes)]
    assume(allowed)
    subsets = [order.positions(fraction) for fraction in [*allowed, Fraction(1)]]
    for smaller, larger in pairwise(subsets):
        assert set(smaller.tolist()) <= set(larger.tolist())
    for fraction, subset in zip(allowed, subsets, strict=False):
        assert subset.tolist() == sorted(set(subset.tolist()))
        found = images.labels[subset].bincount(minlength=len(classes)).tolist()
        assert all(found)
        assert all(n == 1 or abs(n - fraction * size) <= 0.5 for n, size in zip(found, classes, strict=True))
    assert subsets[-1].tolist() == list(range(len(images)))


@pytest.mark.parametrize("fraction", [Fraction(0), Fraction(-1, 3), Fraction(4, 3)])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(InvalidValueError, match=rf"train_fraction is '{fraction}', but must be in \(0, 1\]"):
        SubsetOrder.draw(numbered(10, 20), seed=0).positions(fraction)


def test_the_fingerprint_sees_seed_and_labels():
    prints = [
        SubsetOrder.draw(numbered(*classes), seed).fingerprint
        for classes, seed in [((9, 9), 0), ((9, 9), 1), ((9, 8), 0)]
    ]
    assert len(set(prints)) == 3
    assert prints[0] == SubsetOrder.draw(numbered(9, 9), 0).fingerprint
