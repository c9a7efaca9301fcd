import pickle
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Identity, SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.studies.training_context import PER_PROCESS, TrainingContext


@pytest.fixture
def context(digits, order, settings, teacher):
    return TrainingContext(digits, order, settings, teacher)


def test_subsets_are_those_of_the_order_and_made_once(context, order, digits):
    third = context.subset(Fraction(1, 3))
    assert third is context.subset(Fraction(1, 3))
    assert torch.equal(third.positions, order.positions(Fraction(1, 3)))
    assert len(third) == len(third.positions) < len(digits.train)


def test_all_images_have_a_name_that_does_not_depend_on_their_order(context, digits, settings, order):
    other = TrainingContext(digits, SubsetOrder.draw(digits.train, seed=1), settings, None)
    assert context.subset(Fraction(1)).name == other.subset(Fraction(1)).name == "all"
    assert context.subset(Fraction(1, 3)).name == order.fingerprint != other.subset(Fraction(1, 3)).name


def test_what_was_made_for_a_device_stays_in_its_process(context, architectures, digits):
    _ = context.device, context.cost_of(architectures[0]), context.measured_part(digits.image_shape[1:], 2)
    context.measured(digits.image_shape[1:])
    context.subset(Fraction(1, 3))
    again = pickle.loads(pickle.dumps(context))
    assert set(context.__dict__) >= PER_PROCESS
    assert not PER_PROCESS & set(again.__dict__)
    assert again.images.fingerprint == digits.fingerprint
    assert torch.equal(again.subset(Fraction(1, 3)).positions, context.subset(Fraction(1, 3)).positions)


def test_validation_and_test_images_are_brought_to_the_device_once_and_not_augmented(context, digits):
    size = digits.image_shape[1:]
    validation, test = context.measured(size)
    assert context.measured(size)[0] is validation
    assert (len(validation), len(test)) == (len(digits.validation), len(digits.test))
    every = torch.arange(len(digits.test))
    expected = context.resident(digits.test, Identity()).batch(every, every * 0).images
    assert torch.equal(test.batch(every, every * 0).images, expected)


def test_networks_are_for_these_images(context, architectures, digits):
    with torch.random.fork_rng(devices=[]):
        network = context.build(architectures[0], 1.0).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, *digits.image_shape)).logits.shape == (2, digits.classes)


def test_a_teacher_of_other_images_is_refused(digits, order, settings, teacher):
    resplit = load_images("digits", 0.25, 0.25, seed=1)
    with pytest.raises(InvalidValueError, match="fingerprint of the teacher's images is .* run the teacher pipeline"):
        TrainingContext(resplit, SubsetOrder.draw(resplit.train, seed=0), settings, teacher)
    description = replace(teacher.description, classes=7)
    with pytest.raises(InvalidValueError, match=r"teacher's \(classes, image shape\) is \(7, .*must be \(10, "):
        TrainingContext(digits, order, settings, TrainedNetwork(description, teacher.weights))
