"""Values computed by hand, and by the textbook form."""

import math

import pytest
import torch

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes


def taps(logits=None, maps=(), embedding=None):
    batch = next(len(given) for given in (logits, embedding, *maps) if given is not None)
    logits = torch.tensor(logits, dtype=torch.float64) if logits is not None else torch.zeros(batch, 2).double()
    embedding = (
        torch.tensor(embedding, dtype=torch.float64) if embedding is not None else torch.zeros(batch, 1).double()
    )
    return Taps(logits, embedding, tuple(maps))


def feature_map(values):
    return torch.tensor(values, dtype=torch.float64)


def build(name, student, teacher, *, num_images=10, **options):
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    with torch_seeded(0, "test"):
        return build_loss(name, **shapes, num_images=num_images, **options).double()


def set_to(values):
    """Fill the tensors with known numbers: pairs ``(tensor, values)``."""
    with torch.no_grad():
        for tensor, known in values:
            tensor.copy_(torch.as_tensor(known, dtype=tensor.dtype).reshape(tensor.shape))


def value(loss, student, teacher, labels=None):
    return loss(student, loss.teacher_targets(teacher), torch.arange(len(student.logits)), labels).item()


def loss_of(name, student, teacher, labels=None, **options):
    return value(build(name, student, teacher, **options), student, teacher, labels)


def test_kd_by_hand():
    """One image, two classes, temperature 1: teacher (3/4, 1/4), student (1/2, 1/2)."""
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    student, teacher = taps([[0.0, 0.0]]), taps([[math.log(3), 0.0]])
    assert loss_of("kd", student, teacher, temperature=1.0) == pytest.approx(expected, rel=1e-12)


def test_kd_is_scaled_by_the_square_of_the_temperature():
    """Logits of 2 log 3 at temperature 2 are those of log 3 at temperature 1."""
    warm = loss_of("kd", taps([[0.0, 0.0]]), taps([[2 * math.log(3), 0.0]]), temperature=2.0)
    cold = loss_of("kd", taps([[0.0, 0.0]]), taps([[math.log(3), 0.0]]), temperature=1.0)
    assert warm == pytest.approx(4 * cold, rel=1e-12)


def test_standardised_kd_by_hand():
    """Logits (0, 2) and (5, 1): deviations (-1, 1) and (2, -2) from the mean, sample deviations sqrt(2) and 2 sqrt(2).

    So the standardised logits are (-1, 1) / sqrt(2) and (1, -1) / sqrt(2): the teacher's first probability is
    p = 1 / (1 + exp(-sqrt(2))), the student's is 1 - p, and the logarithm of their ratio is sqrt(2).
    """
    p = 1 / (1 + math.exp(-math.sqrt(2)))
    received = loss_of("kd", taps([[0.0, 2.0]]), taps([[5.0, 1.0]]), temperature=1.0, standardise_logits=True)
    assert received == pytest.approx((2 * p - 1) * math.sqrt(2), rel=1e-6)


def test_hint_by_hand():
    """Regressor 3 f - 1 on (0, 2): (-1, 5), mean 2, variance 9; normalised (-1, 1), after ReLU (0, 1). Teacher (1, 3).

    Mean of (0 - 1)**2 and (1 - 3)**2. The normalisation adds 1e-5 to the variance.
    """
    student, teacher = taps(maps=[feature_map([[[[0.0, 2.0]]]])]), taps(maps=[feature_map([[[[1.0, 3.0]]]])])
    loss = build("hint", student, teacher)
    set_to([(loss.regressor[0].weight, 3.0), (loss.regressor[0].bias, -1.0)])
    one = 3 / math.sqrt(9 + 1e-5)
    assert value(loss, student, teacher) == pytest.approx((1 + (one - 3) ** 2) / 2, rel=1e-12)
    assert value(loss, student, teacher) == pytest.approx(2.5, rel=1e-5)


def test_pkt_by_hand():
    """Student at right angles: cosines 1 and 0, mapped 1 and 1/2, rows (2/3, 1/3). Teacher opposite: rows (1, 0).

    Two of the four entries are 1 log(1 / (2/3)), two are 0: the mean is log(1.5) / 2.
    """
    student, teacher = taps(embedding=[[1.0, 0.0], [0.0, 5.0]]), taps(embedding=[[1.0], [-2.0]])
    assert loss_of("pkt", student, teacher) == pytest.approx(math.log(1.5) / 2, rel=1e-6)


def test_similarity_by_hand():
    """Student's images are alike, rows (1, 1) / sqrt(2); the teacher's at right angles, rows (1, 0) and (0, 1).

    Each of both rows differs by (1 - 1/sqrt(2))**2 + 1/2 = 2 - sqrt(2); the sum is divided by 2**2.
    """
    student = taps(maps=[feature_map([[[[3.0]]], [[[3.0]]]])])
    teacher = taps(maps=[feature_map([[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]]])])
    assert loss_of("similarity", student, teacher) == pytest.approx((2 - math.sqrt(2)) / 2, rel=1e-12)


def test_correlation_by_hand():
    """Student (1, 2, 3), teacher's map doubles (1, 0, 2): distances (1, 2, 1), products of neighbours (2, 2)."""
    student, teacher = taps(embedding=[[1.0], [2.0], [3.0]]), taps(embedding=[[1.0], [0.0], [2.0]])
    loss = build("correlation", student, teacher, features=1)
    set_to([(loss.student_map.weight, 1.0), (loss.teacher_map.weight, 2.0)])
    set_to([(loss.student_map.bias, 0.0), (loss.teacher_map.bias, 0.0)])
    assert value(loss, student, teacher) == pytest.approx(2.0, rel=1e-12)


def test_vid_by_hand():
    """Weights 1, 2, 3 with ReLU between: (1, -1) becomes (6, 0). Teacher (4, 1), variance 2.

    Mean of (2**2 / 2 + log 2) / 2 and (1**2 / 2 + log 2) / 2. The variance was set in single precision.
    """
    student, teacher = taps(maps=[feature_map([[[[1.0, -1.0]]]])]), taps(maps=[feature_map([[[[4.0, 1.0]]]])])
    loss = build("vid", student, teacher, initial_variance=2.0)
    set_to(zip(loss.regressors[0].parameters(), (1.0, 2.0, 3.0), strict=True))
    assert value(loss, student, teacher) == pytest.approx((2 + 0.5 + 2 * math.log(2)) / 4, rel=1e-6)


def test_crd_by_hand():
    """Two images, one dimension, temperature 1: an image at 1 and its memory at 1, the other's memory at -1.

    Exponentials e and 1/e; the constant is their mean times 2 images. So p = e / (e + 1/e) for the image, q = 1 - p for
    the other, and one negative of two images is a noise of 1/2. Both directions are the same.
    """
    student, teacher = taps(embedding=[[5.0]]), taps(embedding=[[7.0]])
    loss = build("crd", student, teacher, num_images=2, features=1, temperature=1.0)
    set_to([(loss.student_map.weight, 1.0), (loss.teacher_map.weight, 1.0)])
    set_to([(loss.student_map.bias, 0.0), (loss.teacher_map.bias, 0.0)])
    set_to([(loss.student_memory, [[1.0], [-1.0]]), (loss.teacher_memory, [[1.0], [-1.0]])])
    p = math.e / (math.e + 1 / math.e)
    expected = -2 * (math.log(p / (p + 0.5)) + math.log(0.5 / (1 - p + 0.5)))
    assert value(loss, student, teacher) == pytest.approx(expected, rel=1e-6)


STRAIGHT_LINE = [[0.0], [1.0], [2.0]]
TRIANGLE = [[0.0, 0.0], [2.0, 0.0], [1.0, math.sqrt(3)]]
"""All sides equal."""


def test_rkd_distances_by_hand():
    """A line has distances 1, 1, 2, mean 4/3: scaled 3/4, 3/4, 3/2. All of the triangle's are 1 when scaled.

    Half the squares of 1/4, 1/4, 1/2 are 1/32, 1/32, 1/8; each stands twice among the 9 entries.
    """
    received = loss_of("rkd", taps(embedding=STRAIGHT_LINE), taps(embedding=TRIANGLE), angle_weight=0.0)
    assert received == pytest.approx(25 * 2 * (1 / 32 + 1 / 32 + 1 / 8) / 9, rel=1e-12)


def test_rkd_angles_by_hand():
    """A line has cosines 1 at its ends and -1 in the middle, the triangle 1/2: differences 1/2, 1/2, 3/2.

    Smooth L1: half the square, 1/8, below 1; 3/2 - 1/2 = 1 above. Each stands twice among the 27 entries.
    """
    received = loss_of("rkd", taps(embedding=STRAIGHT_LINE), taps(embedding=TRIANGLE), distance_weight=0.0)
    assert received == pytest.approx(50 * 2 * (1 / 8 + 1 / 8 + 1) / 27, rel=1e-12)


def test_dkd_by_hand():
    """Student (1/2, 1/4, 1/4), teacher (1/4, 1/2, 1/4), temperature 1.

    Class 0 is the image's: 1/4 against 1/2 and 3/4 against 1/2; among the others (2/3, 1/3) against (1/2, 1/2).
    Without a label it is class 1, the teacher's choice: 1/2 against 1/4 and 1/2 against 3/4; among the others
    (1/2, 1/2) against (2/3, 1/3).
    """
    student = taps([[math.log(2), 0.0, 0.0]])
    teacher = taps([[0.0, math.log(2), 0.0]])
    target = math.log(1 / 2) / 4 + 3 * math.log(3 / 2) / 4
    others = 2 * math.log(4 / 3) / 3 + math.log(2 / 3) / 3
    received = loss_of("dkd", student, teacher, labels=torch.tensor([0]), temperature=1.0)
    assert received == pytest.approx(target + 8 * others, rel=1e-12)
    target = math.log(2) / 2 + math.log(2 / 3) / 2
    others = math.log(3 / 4) / 2 + math.log(3 / 2) / 2
    assert loss_of("dkd", student, teacher, temperature=1.0) == pytest.approx(target + 8 * others, rel=1e-12)


def test_dist_by_hand():
    """Student (6, 3, 1) and (3, 1, 6) tenths, teacher (6, 3, 1) and (1, 6, 3), temperature 1.

    Over classes: image 0 agrees, 1. Image 1, thrice the deviations: (-1, -7, 8) and (-7, 8, -1), product -57, squares
    114, hence -1/2. The mean is 1/4. Over images: the classes go down, down, up and down, up, up: 1, -1, 1, mean 1/3.
    """
    student = taps([[math.log(6), math.log(3), 0.0], [math.log(3), 0.0, math.log(6)]])
    teacher = taps([[math.log(6), math.log(3), 0.0], [0.0, math.log(6), math.log(3)]])
    received = loss_of("dist", student, teacher, temperature=1.0)
    assert received == pytest.approx(2 * (1 - 1 / 4) + 2 * (1 - 1 / 3), rel=1e-12)


def test_attention_by_hand():
    """Attention maps (1, 0) and (3, 4)/5: mean of (1 - .6)**2 and .8**2."""
    student = torch.tensor([[[[1.0, 0.0]]]]).double()
    teacher = torch.tensor([[[[math.sqrt(3.0), 2.0]]]], dtype=torch.float64)
    expected = (0.4**2 + 0.8**2) / 2
    assert loss_of("attention", taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(expected, rel=1e-12)


def test_nst_by_hand():
    """One channel each, (1, 0) and (0, 1): Gram matrices diag(1, 0) and diag(0, 1), distance 2."""
    student = torch.tensor([[[[1.0, 0.0]]]]).double()
    teacher = torch.tensor([[[[0.0, 3.0]]]]).double()
    assert loss_of("nst", taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(2.0, rel=1e-12)


def test_nst_equals_the_mean_over_all_pairs_of_channels():
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(3, 5, 4, 4, generator=generator).double()
    teacher = torch.randn(3, 7, 4, 4, generator=generator).double()

    def kernel_mean(first, second):
        first, second = (torch.nn.functional.normalize(m.flatten(2), dim=2) for m in (first, second))
        return (first.unsqueeze(2) * second.unsqueeze(1)).sum(dim=3).square().mean(dim=(1, 2))

    textbook = kernel_mean(student, student) + kernel_mean(teacher, teacher) - 2 * kernel_mean(student, teacher)
    value = loss_of("nst", taps(maps=[student]), taps(maps=[teacher]))
    assert value == pytest.approx(textbook.mean().item(), rel=1e-9)


@pytest.mark.parametrize("name", ["attention", "nst"])
def test_all_stages_are_the_sum_of_each(name):
    generator = torch.Generator().manual_seed(0)
    student = [torch.randn(2, 3, s, s, generator=generator).double() for s in (4, 2)]
    teacher = [torch.randn(2, 5, s, s, generator=generator).double() for s in (4, 2)]
    both = loss_of(name, taps(maps=student), taps(maps=teacher), stages="all")
    each = [loss_of(name, taps(maps=[s]), taps(maps=[t])) for s, t in zip(student, teacher, strict=True)]
    assert both == pytest.approx(sum(each), rel=1e-12)


@pytest.mark.parametrize("name", ["attention", "nst"])
def test_the_larger_map_is_pooled_to_the_smaller(name):
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(2, 3, s, s, generator=generator).double() for s in (2, 4))
    pooled = torch.nn.functional.adaptive_avg_pool2d(teacher, 2)
    assert loss_of(name, taps(maps=[student]), taps(maps=[teacher])) == pytest.approx(
        loss_of(name, taps(maps=[student]), taps(maps=[pooled])), rel=1e-12
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeMismatchError, match="number of the teacher's classes is 3, but must be the student's 2"):
        loss_of("kd", taps([[0.0, 0.0]]), taps([[0.0, 0.0, 0.0]]))
    with pytest.raises(InvalidValueError, match="temperature is 0, but must be above 0"):
        loss_of("kd", taps([[0.0, 0.0]]), taps([[0.0, 0.0]]), temperature=0)
    one, two = [torch.zeros(1, 1, 2, 2).double()], [torch.zeros(1, 1, s, s).double() for s in (8, 4)]
    with pytest.raises(
        ShapeMismatchError, match=r"resolutions of the teacher's maps is \[\(8, 8\), \(4, 4\)\], but must be"
    ):
        loss_of("nst", taps(maps=one), taps(maps=two), stages="all")
    with pytest.raises(InvalidValueError, match="stages is 'first', but must be one of: last, middle, all"):
        loss_of("nst", taps(maps=one), taps(maps=one), stages="first")
