"""Losses against torchdistill 1.1.5, an independent library, where its definition is the same; in double precision.

Compared as they are: ``attention`` (its mode ``code``), ``rkd``, ``dist``,
``vid`` and ``crd`` (with equal weights of the learned parts, the same memory and the same negatives, over several steps).

Compared with a difference taken into account:

- ``kd`` and its standardised logits: without labels it gives the divergence alone, without the square of the temperature;
  with labels it adds the cross-entropy, and the whole term of a training is compared.
- ``kd`` of standardised logits, ``dist``: ours divides the student's numbers by at least 0.3 times the standard deviation
  of the teacher's. Numbers of the comparison have a larger one.
- ``pkt``: it adds 1e-7 to the length of every embedding, ours divides by the length itself. For long embeddings both
  are the same, and the length is of no other consequence.
- ``rkd``: it takes equal images to be 1e-6 apart and counts them in the mean distance, ours leaves them out. Images of
  the comparison differ.
- ``crd``: its settings are kept in single precision; those of the comparison have few binary digits. Its own
  draw of negatives fails in this version (an attribute of another name), so ours are handed to it.

Not compared, or in part, with the reason:

- ``correlation``: its ``CCKDLoss`` is the paper's kernel of all pairs of the batch and the root of the sum of squares;
  ours is the product of neighbours' distances in the code of Tian et al. (2020).
- ``similarity``: its ``SPKDLoss`` divides rows by the sum of their absolute values (the 1 of ``normalize(x, 1)`` is the
  norm, not the axis); the paper's eq. 2 and ours divide by the Euclidean length. The Gram matrices and the sum of squares
  are the same, so it is compared with that one step replaced.
- ``hint``: a mean squared error of torch with a regressor that the library's user writes; there is no definition of it.
- ``nst``, ``dkd``: the library does not have them.
- Attention in its mode ``paper``: the length of the difference instead of its mean square.

It does not pool maps of unequal sizes: sizes are equal here.
"""

import pytest
import torch
from torch.nn import functional
from torchdistill.losses import mid_level
from torchdistill.models import wrapper

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes

PATHS = {
    "student_module_path": "it",
    "student_module_io": "output",
    "teacher_module_path": "it",
    "teacher_module_io": "output",
}
SIDES = (8, 4, 2)


def draw_taps(seed, channels, embedding, batch=6, classes=5):
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    maps = tuple(drawn(batch, c, side, side) for c, side in zip(channels, SIDES, strict=True))
    return Taps(drawn(batch, classes), drawn(batch, embedding), maps)


@pytest.fixture
def student():
    return draw_taps(1, (3, 4, 5), embedding=8)


@pytest.fixture
def teacher():
    return draw_taps(2, (4, 6, 7), embedding=9)


def build(name, student, teacher, num_images=20, **options):
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    with torch_seeded(0, "test"):
        return build_loss(name, **shapes, num_images=num_images, **options).double()


def value_of(name, student, teacher, **options):
    loss = build(name, student, teacher, **options)
    return loss(student, loss.teacher_targets(teacher), torch.arange(len(student.logits)))


def reference(loss, student, teacher, *labels):
    """What it says of one output of each network."""
    return loss.double()({"it": {"output": student}}, {"it": {"output": teacher}}, *labels)


def same(received, expected):
    torch.testing.assert_close(received, expected, rtol=1e-6, atol=0)


LOGITS = [(mid_level.KDLoss, {}), (mid_level.LogitStdKDLoss, {"standardise_logits": True})]


@pytest.mark.parametrize(("theirs", "options"), LOGITS)
def test_kd_is_its_divergence_times_the_square_of_the_temperature(theirs, options, student, teacher):
    expected = 3.0**2 * reference(theirs(**PATHS, temperature=3.0, beta=1.0), student.logits, teacher.logits)
    same(value_of("kd", student, teacher, temperature=3.0, **options), expected)


@pytest.mark.parametrize(("theirs", "options"), LOGITS)
def test_kd_with_cross_entropy_is_its_whole_loss(theirs, options, student, teacher):
    labels = torch.tensor([0, 4, 2, 1, 3, 3])
    loss = theirs(**PATHS, temperature=4.0, alpha=0.1, beta=0.9)
    cross_entropy = functional.cross_entropy(student.logits, labels)
    received = 0.1 * cross_entropy + 0.9 * value_of("kd", student, teacher, temperature=4.0, **options)
    same(received, reference(loss, student.logits, teacher.logits, labels))


def test_attention_of_all_stages(student, teacher):
    side_by_side = {
        str(stage): {role: {"path": str(stage), "io": "output"} for role in ("student", "teacher")}
        for stage in range(3)
    }
    outputs = ({str(stage): {"output": m} for stage, m in enumerate(taps.maps)} for taps in (student, teacher))
    expected = mid_level.ATLoss(side_by_side, mode="code")(*outputs)
    same(value_of("attention", student, teacher, stages="all"), expected)


def test_pkt_of_long_embeddings(student, teacher):
    student, teacher = (Taps(taps.logits, 1e4 * taps.embedding, taps.maps) for taps in (student, teacher))
    expected = reference(mid_level.PKTLoss(**PATHS, eps=1e-7), student.embedding.clone(), teacher.embedding.clone())
    same(value_of("pkt", student, teacher), expected)


def test_similarity_with_rows_of_euclidean_length_one(student, teacher, monkeypatch):
    monkeypatch.setattr(mid_level, "normalize", lambda rows, _: functional.normalize(rows, p=2, dim=1))
    loss = mid_level.SPKDLoss("it", "it", reduction="batchmean")
    same(value_of("similarity", student, teacher), reference(loss, student.maps[-1], teacher.maps[-1]))


@pytest.mark.parametrize(("distance", "angle"), [(25.0, 50.0), (1.0, 0.0), (0.0, 1.0)])
def test_rkd(distance, angle, student, teacher):
    loss = mid_level.RKDLoss("it", "it", dist_factor=distance, angle_factor=angle, reduction="mean")
    received = value_of("rkd", student, teacher, distance_weight=distance, angle_weight=angle)
    same(received, torch.as_tensor(reference(loss, student.embedding, teacher.embedding)))


@pytest.mark.parametrize("scale", [0.75, 1.0, 3.0, 10.0])
def test_kd_of_standardised_logits_of_any_spread_above_the_floor(scale, student, teacher):
    """0.3 times the teacher's spread; below it, ours has a bounded gradient, and the definitions differ."""
    student = Taps(scale * student.logits, student.embedding, student.maps)
    assert (student.logits.std(dim=1) > 0.3 * teacher.logits.std(dim=1)).all()
    expected = 2.0**2 * reference(
        mid_level.LogitStdKDLoss(**PATHS, temperature=2.0, beta=1.0), student.logits, teacher.logits
    )
    same(value_of("kd", student, teacher, temperature=2.0, standardise_logits=True), expected)


def test_dist(student, teacher):
    loss = mid_level.DISTLoss(**PATHS, beta=2.0, gamma=3.0, tau=4.0)
    received = value_of("dist", student, teacher, inter_class_weight=2.0, intra_class_weight=3.0)
    same(received, reference(loss, student.logits, teacher.logits))


def test_vid_with_the_same_weights(student, teacher):
    """Regressors, initial variance and the likelihood, of all stages."""
    loss = build("vid", student, teacher, stages="all", initial_variance=3.0)
    outputs, pairs = {}, {}
    for stage, (regressor, of_student, of_teacher) in enumerate(
        zip(loss.regressors, student.maps, teacher.maps, strict=True)
    ):
        channels = of_teacher.shape[1]
        with torch_seeded(0, "test"):
            theirs = wrapper.Regressor4VID(of_student.shape[1], channels, channels, eps=1e-5, init_pred_var=3.0)
        theirs.double().regressor.load_state_dict(regressor.state_dict())
        outputs[str(stage)] = {"output": theirs(of_student)}
        pairs[str(stage)] = {role: {"path": str(stage), "io": "output"} for role in ("student", "teacher")}
    teacher_maps = {str(stage): {"output": m} for stage, m in enumerate(teacher.maps)}
    received = loss(student, loss.teacher_targets(teacher), torch.arange(6))
    same(received, mid_level.VIDLoss(pairs)(outputs, teacher_maps))


@pytest.mark.parametrize(("num_images", "negatives"), [(9, 8), (30, 6)])
def test_crd_over_several_steps_with_the_same_weights_memory_and_negatives(num_images, negatives, monkeypatch):
    """Batches overlap, so that the memory's changes show. Fewer negatives than other images are drawn, else all taken."""
    student, teacher = draw_taps(1, (3, 4, 5), embedding=8), draw_taps(2, (4, 6, 7), embedding=9)
    options = {"features": 4, "negatives": negatives, "temperature": 0.125, "momentum": 0.25}
    loss = build("crd", student, teacher, num_images, **options)
    with torch_seeded(0, "test"):
        theirs = mid_level.CRDLoss(
            "features",
            "indices",
            "features",
            input_size=4,
            output_size=num_images,
            num_negative_samples=negatives,
            num_samples=num_images,
            temperature=0.125,
            momentum=0.25,
        ).double()
    theirs.memory_v1.copy_(loss.student_memory)
    theirs.memory_v2.copy_(loss.teacher_memory)
    normalisers = [wrapper.Normalizer4CRD(linear) for linear in (loss.student_map, loss.teacher_map)]
    drawn, draw = [], loss._draw_negatives

    def recorded(indices):
        drawn.append(draw(indices))
        return drawn[-1]

    monkeypatch.setattr(loss, "_draw_negatives", recorded)
    for step, indices in enumerate(torch.tensor([[0, 1, 2, 3, 4, 5], [5, 4, 8, 7, 1, 6], [0, 8, 2, 3, 1, 5]])):
        student, teacher = (draw_taps(10 * step + s, (3, 4, 5), embedding=e) for s, e in ((3, 8), (4, 9)))
        received = loss(student, loss.teacher_targets(teacher), indices)
        with torch.no_grad():
            of_student, of_teacher = (
                normalise(taps.embedding) for normalise, taps in zip(normalisers, (student, teacher), strict=True)
            )
            contrast = torch.cat([indices[:, None], drawn[-1]], dim=1)
            expected = theirs(
                {
                    "features": {"output": of_student},
                    "indices": {"input": {"pos_idx": indices, "contrast_idx": contrast}},
                },
                {"features": {"output": of_teacher}},
            )
        same(received.detach(), expected.squeeze())
