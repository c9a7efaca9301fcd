"""Every loss against its textbook formula, in plain loops over images, classes, channels and positions.

The references take nested lists and know nothing of tensors, so that they share no structure with the source: no
broadcasting, no matrix products, no normalisation of a library. Losses run in double precision.
"""

import math

import pytest
import torch
from torch import nn

from mf_nas_kd.distillation import build_loss
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.taps import Taps, TapShapes

STUDENT_MAPS = ((3, 8, 8), (4, 6, 6), (2, 4, 4), (5, 2, 2))
TEACHER_MAPS = ((4, 8, 8), (2, 4, 4), (6, 6, 6), (3, 4, 4))
"""As many as the student's: paired one to one, of equal, smaller and larger size, the second not by a whole factor."""


# What losses are given


def draw_taps(maps, seed, batch=4, classes=5, embedding=6):
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    return Taps(drawn(batch, classes), drawn(batch, embedding), tuple(drawn(batch, *shape) for shape in maps))


def build(name, student, teacher, num_images=20, **options):
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    with torch_seeded(0, "test"):
        return build_loss(name, **shapes, num_images=num_images, **options).double()


def values(name, student, teacher, labels=None, **options):
    """The loss, and its value."""
    loss = build(name, student, teacher, **options)
    received = loss(student, loss.teacher_targets(teacher), torch.arange(len(student.logits)), labels)
    return loss, received.item()


def pair(student_embedding=6, teacher_embedding=7):
    return (
        draw_taps(STUDENT_MAPS, seed=1, embedding=student_embedding),
        draw_taps(TEACHER_MAPS, seed=2, embedding=teacher_embedding),
    )


# Arithmetic in loops


def dot(first, second):
    return sum(a * b for a, b in zip(first, second, strict=True))


def length(vector):
    return math.sqrt(dot(vector, vector))


def unit(vector):
    return [entry / length(vector) for entry in vector]


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers)


def softmax(logits, temperature):
    powers = [math.exp(logit / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def divergence(teacher, student):
    return sum(t * math.log(t / s) for t, s in zip(teacher, student, strict=True))


def linear(layer, vector):
    return [dot(row, vector) + bias for row, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)]


def flat(nested):
    return [number for inner in nested for number in flat(inner)] if isinstance(nested, list) else [nested]


def average_pool(plane, height, width):
    """Every cell is the mean of the positions that it touches."""
    rows, columns = len(plane), len(plane[0])
    pooled = []
    for y in range(height):
        pooled.append([])
        for x in range(width):
            touched_rows = range(y * rows // height, math.ceil((y + 1) * rows / height))
            touched_columns = range(x * columns // width, math.ceil((x + 1) * columns / width))
            pooled[-1].append(mean(plane[r][c] for r in touched_rows for c in touched_columns))
    return pooled


def stage_pairs(student, teacher, stage_indices, side=None):
    """By stage and image: the maps of both, lists of channels, each a list of positions, pooled to the smaller."""
    for stage_index in stage_indices:
        of_student, of_teacher = student.maps[stage_index].tolist(), teacher.maps[stage_index].tolist()
        smaller = side or min(len(of_student[0][0]), len(of_teacher[0][0]))
        yield [
            tuple([flat(average_pool(plane, smaller, smaller)) for plane in image] for image in images)
            for images in zip(of_student, of_teacher, strict=True)
        ]


# Formulas


def kd(student, teacher, temperature):
    return temperature**2 * mean(
        divergence(softmax(t, temperature), softmax(s, temperature)) for s, t in zip(student, teacher, strict=True)
    )


def z_scores(logits):
    centre = mean(logits)
    deviation = math.sqrt(sum((z - centre) ** 2 for z in logits) / (len(logits) - 1))
    return [(z - centre) / (deviation + 1e-7) for z in logits]


def dkd(student, teacher, labels, temperature, target_weight, others_weight):
    total = 0.0
    for of_student, of_teacher, label in zip(student, teacher, labels, strict=True):
        p_student, p_teacher = softmax(of_student, temperature), softmax(of_teacher, temperature)
        target = divergence([p_teacher[label], 1 - p_teacher[label]], [p_student[label], 1 - p_student[label]])
        others = divergence(*(softmax(z[:label] + z[label + 1 :], temperature) for z in (of_teacher, of_student)))
        total += target_weight * target + others_weight * others
    return temperature**2 * total / len(student)


def pearson(first, second):
    first_mean, second_mean = mean(first), mean(second)
    covariance = sum((a - first_mean) * (b - second_mean) for a, b in zip(first, second, strict=True))
    spread = math.sqrt(sum((a - first_mean) ** 2 for a in first) * sum((b - second_mean) ** 2 for b in second))
    return covariance / spread


def deviation(numbers):
    centre = mean(numbers)
    return math.sqrt(sum((a - centre) ** 2 for a in numbers) / (len(numbers) - 1))


def held_back(student, teacher):
    """Factor of a student's standardised numbers whose spread is below 0.3 times the teacher's."""
    return min(1.0, deviation(student) / (0.3 * deviation(teacher)))


def dist(student, teacher, temperature, inter_class_weight, intra_class_weight):
    student, teacher = ([softmax(z, temperature) for z in logits] for logits in (student, teacher))
    columns = [([s[k] for s in student], [t[k] for t in teacher]) for k in range(len(student[0]))]
    inter = mean(1 - held_back(s, t) * pearson(s, t) for s, t in zip(student, teacher, strict=True))
    intra = mean(1 - held_back(s, t) * pearson(s, t) for s, t in columns)
    return temperature**2 * (inter_class_weight * inter + intra_class_weight * intra)


def attention(stages):
    total = 0.0
    for images in stages:
        differences = []
        for maps in images:
            student, teacher = (
                unit([mean(channel[p] ** 2 for channel in channels) for p in range(len(channels[0]))])
                for channels in maps
            )
            differences += [(s - t) ** 2 for s, t in zip(student, teacher, strict=True)]
        total += mean(differences)
    return total


def nst(stages):
    """The squared discrepancy with all pairs of channels."""

    def kernel(first, second):
        return mean(dot(unit(f), unit(g)) ** 2 for f in first for g in second)

    return sum(mean(kernel(s, s) + kernel(t, t) - 2 * kernel(s, t) for s, t in images) for images in stages)


def pkt(student, teacher):
    def probabilities(embeddings, row):
        similar = [(dot(unit(embeddings[row]), unit(other)) + 1) / 2 for other in embeddings]
        return [s / sum(similar) for s in similar]

    entries = []
    for row in range(len(student)):
        p_student, p_teacher = probabilities(student, row), probabilities(teacher, row)
        entries += [t * math.log((t + 1e-7) / (s + 1e-7)) for s, t in zip(p_student, p_teacher, strict=True)]
    return mean(entries)


def similarity(student, teacher):
    total = 0.0
    for row in range(len(student)):
        of_student, of_teacher = (unit([dot(flat(m[row]), flat(o)) for o in m]) for m in (student, teacher))
        total += sum((s - t) ** 2 for s, t in zip(of_student, of_teacher, strict=True))
    return total / len(student) ** 2


def correlation(loss, student, teacher):
    distances = [
        [abs(s - t) for s, t in zip(linear(loss.student_map, e_s), linear(loss.teacher_map, e_t), strict=True)]
        for e_s, e_t in zip(student, teacher, strict=True)
    ]
    return mean(dot(distances[b], distances[b + 1]) for b in range(len(distances) - 1))


def smooth_l1(first, second):
    difference = abs(first - second)
    return difference**2 / 2 if difference < 1 else difference - 0.5


def rkd(student, teacher, distance_weight, angle_weight):
    images = range(len(student))

    def difference(embeddings, start, end):
        return [e - s for s, e in zip(embeddings[start], embeddings[end], strict=True)]

    def distances(embeddings):
        all_pairs = [[length(difference(embeddings, i, j)) for j in images] for i in images]
        unit_length = mean(all_pairs[i][j] for i in images for j in images if i != j)
        return [[entry / unit_length for entry in row] for row in all_pairs]

    def cosine(embeddings, corner, i, j):
        if corner in (i, j):
            return 0.0
        return dot(unit(difference(embeddings, corner, i)), unit(difference(embeddings, corner, j)))

    of_student, of_teacher = distances(student), distances(teacher)
    distance = mean(smooth_l1(of_student[i][j], of_teacher[i][j]) for i in images for j in images)
    angle = mean(
        smooth_l1(cosine(student, b, i, j), cosine(teacher, b, i, j)) for b in images for i in images for j in images
    )
    return distance_weight * distance + angle_weight * angle


def vid(loss, stages):
    total = 0.0
    for images, regressor, rho in zip(stages, loss.regressors, loss.rhos, strict=True):
        weights = [[flat(row) for row in layer.weight.tolist()] for layer in regressor if isinstance(layer, nn.Conv2d)]
        variances = [math.log(1 + math.exp(r)) + 1e-5 for r in rho.tolist()]
        terms = []
        for student, teacher in images:
            for position in range(len(student[0])):
                features = [channel[position] for channel in student]
                for depth, layer in enumerate(weights):
                    features = [dot(row, features) for row in layer]
                    if depth < 2:
                        features = [max(f, 0.0) for f in features]
                for predicted, channel, variance in zip(features, teacher, variances, strict=True):
                    terms.append(((predicted - channel[position]) ** 2 / variance + math.log(variance)) / 2)
        total += mean(terms)
    return total


def convolved(layer, image):
    """A convolution of one image, position by position."""
    weight, bias = layer.weight.tolist(), layer.bias.tolist()
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    side = (len(image[0]) + 2 * padding - kernel) // stride + 1
    planes = []
    for output, shift in enumerate(bias):
        planes.append([[shift] * side for _ in range(side)])
        for y in range(side):
            for x in range(side):
                for channel, plane in enumerate(image):
                    for row in range(kernel):
                        for column in range(kernel):
                            r, c = y * stride + row - padding, x * stride + column - padding
                            if 0 <= r < len(plane) and 0 <= c < len(plane):
                                planes[-1][y][x] += weight[output][channel][row][column] * plane[r][c]
    return planes


def spread(layer, image):
    """A transposed convolution of one image: every position adds its kernel to the output."""
    weight, bias = layer.weight.tolist(), layer.bias.tolist()
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    side = len(image[0]) * stride
    planes = [[[shift] * side for _ in range(side)] for shift in bias]
    for channel, plane in enumerate(image):
        for y, line in enumerate(plane):
            for x, entry in enumerate(line):
                for output in range(len(bias)):
                    for row in range(kernel):
                        for column in range(kernel):
                            r, c = y * stride + row - padding, x * stride + column - padding
                            if 0 <= r < side and 0 <= c < side:
                                planes[output][r][c] += entry * weight[channel][output][row][column]
    return planes


def hint(loss, student, teacher):
    """The regressor's convolution, normalisation over batch and positions, ReLU; mean squared difference."""
    layer = loss.regressor[0]
    regressed = [(spread if isinstance(layer, nn.ConvTranspose2d) else convolved)(layer, image) for image in student]
    errors = []
    for channel in range(len(teacher[0])):
        numbers = flat([image[channel] for image in regressed])
        centre = mean(numbers)
        deviation = math.sqrt(mean((n - centre) ** 2 for n in numbers) + 1e-5)
        expected = flat([image[channel] for image in teacher])
        errors += [(max((n - centre) / deviation, 0.0) - w) ** 2 for n, w in zip(numbers, expected, strict=True)]
    return mean(errors)


# Comparisons


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kd(temperature):
    student, teacher = pair()
    expected = kd(student.logits.tolist(), teacher.logits.tolist(), temperature)
    assert values("kd", student, teacher, temperature=temperature)[1] == pytest.approx(expected, rel=1e-6)


def test_kd_of_standardised_logits():
    student, teacher = pair()
    logits = ([z_scores(z) for z in taps.logits.tolist()] for taps in (student, teacher))
    _, received = values("kd", student, teacher, temperature=2.0, standardise_logits=True)
    assert received == pytest.approx(kd(*logits, 2.0), rel=1e-6)


@pytest.mark.parametrize("scale", [0.2, 0.01, 1e-4])
def test_kd_of_standardised_logits_of_a_small_spread(scale):
    """Below 0.3 times the teacher's spread, a student's logits are divided by that much and no less."""
    student, teacher = pair()
    student = Taps(scale * student.logits, student.embedding, student.maps)
    logits = [taps.logits.tolist() for taps in (student, teacher)]
    of_student = [[held_back(s, t) * z for z in z_scores(s)] for s, t in zip(*logits, strict=True)]
    _, received = values("kd", student, teacher, temperature=2.0, standardise_logits=True)
    assert received == pytest.approx(kd(of_student, [z_scores(t) for t in logits[1]], 2.0), rel=1e-4)
    published = kd([z_scores(s) for s in logits[0]], [z_scores(t) for t in logits[1]], 2.0)
    assert received != pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize("scale", [0.2, 0.01, 1e-4])
def test_dist_of_predictions_of_a_small_spread(scale):
    student, teacher = pair()
    student = Taps(scale * student.logits, student.embedding, student.maps)
    expected = dist(student.logits.tolist(), teacher.logits.tolist(), 4.0, 2.0, 3.0)
    _, received = values("dist", student, teacher, inter_class_weight=2.0, intra_class_weight=3.0)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("labels", [[0, 4, 2, 2], None])
def test_dkd(labels):
    student, teacher = pair()
    logits = student.logits.tolist(), teacher.logits.tolist()
    chosen = labels or [max(range(5), key=z.__getitem__) for z in logits[1]]
    given = None if labels is None else torch.tensor(labels)
    _, received = values("dkd", student, teacher, given, temperature=3.0, target_weight=1.5, others_weight=6.0)
    assert received == pytest.approx(dkd(*logits, chosen, 3.0, 1.5, 6.0), rel=1e-6)


def test_dist():
    student, teacher = pair()
    expected = dist(student.logits.tolist(), teacher.logits.tolist(), 4.0, 2.0, 3.0)
    _, received = values("dist", student, teacher, inter_class_weight=2.0, intra_class_weight=3.0)
    assert received == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("stages", "stage_indices"), [("last", [3]), ("middle", [1, 2]), ("all", [0, 1, 2, 3])])
@pytest.mark.parametrize(("name", "formula"), [("attention", attention), ("nst", nst)])
def test_maps_of_chosen_stages_are_pooled_to_the_smaller(name, formula, stages, stage_indices):
    """``nst``: the first stages are maps of few channels, whose target is the map; the last a Gram matrix."""
    student, teacher = pair()
    _, received = values(name, student, teacher, stages=stages)
    assert received == pytest.approx(formula(stage_pairs(student, teacher, stage_indices)), rel=1e-6)


@pytest.mark.parametrize(("name", "formula"), [("attention", attention), ("nst", nst)])
def test_maps_of_unequal_numbers_are_paired_by_resolution(name, formula):
    """The student's maps of sides 6 and 2 are the teacher's first and last."""
    student, teacher = draw_taps(STUDENT_MAPS, seed=1), draw_taps(((4, 6, 6), (2, 3, 3), (3, 2, 2)), seed=2)
    in_pairs = [
        Taps(taps.logits, taps.embedding, tuple(taps.maps[stage_index] for stage_index in stage_indices))
        for taps, stage_indices in ((student, (1, 3)), (teacher, (0, 2)))
    ]
    expected = formula(stage_pairs(*in_pairs, [0, 1]))
    assert values(name, student, teacher, stages="all")[1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "formula"), [("attention", attention), ("nst", nst)])
def test_maps_are_pooled_to_a_declared_size(name, formula):
    student, teacher = pair()
    _, received = values(name, student, teacher, stages="all", map_size=2)
    assert received == pytest.approx(formula(stage_pairs(student, teacher, range(4), side=2)), rel=1e-6)


@pytest.mark.parametrize(
    ("channels", "side", "numbers"),
    [(2, 4, 2 * 16), (8, 4, 8 * 16), (9, 4, 136), (64, 4, 136)],
)
def test_the_target_of_nst_is_the_smaller_of_map_and_gram_matrix_and_both_give_the_same(channels, side, numbers):
    """A Gram matrix of 16 positions has 136 numbers, a map of 8 channels 128, one of 9 channels 144."""
    student, teacher = draw_taps([(3, side, side)], seed=1, batch=2), draw_taps([(channels, side, side)], 2, batch=2)
    loss, received = values("nst", student, teacher)
    assert loss.teacher_targets(teacher).shape == (2, numbers)
    assert received == pytest.approx(nst(stage_pairs(student, teacher, [0])), rel=1e-6, abs=1e-14)


def test_pkt():
    student, teacher = pair()
    expected = pkt(student.embedding.tolist(), teacher.embedding.tolist())
    assert values("pkt", student, teacher)[1] == pytest.approx(expected, rel=1e-6)


def test_similarity():
    student, teacher = pair()
    expected = similarity(student.maps[-1].tolist(), teacher.maps[-1].tolist())
    assert values("similarity", student, teacher)[1] == pytest.approx(expected, rel=1e-6)


def test_correlation():
    student, teacher = pair()
    loss, received = values("correlation", student, teacher, features=3)
    assert received == pytest.approx(
        correlation(loss, student.embedding.tolist(), teacher.embedding.tolist()), rel=1e-6
    )


def test_rkd():
    """Teacher's embeddings are scaled by ten: only ratios of distances count."""
    student, teacher = pair()
    embeddings = student.embedding.tolist(), (10 * teacher.embedding).tolist()
    _, received = values("rkd", student, teacher, distance_weight=3.0, angle_weight=2.0)
    assert received == pytest.approx(rkd(*embeddings, 3.0, 2.0), rel=1e-6)


@pytest.mark.parametrize(("stages", "stage_indices"), [("last", [3]), ("middle", [1, 2]), ("all", [0, 1, 2, 3])])
def test_vid(stages, stage_indices):
    student, teacher = pair()
    loss, received = values("vid", student, teacher, stages=stages, initial_variance=3.0)
    assert received == pytest.approx(vid(loss, stage_pairs(student, teacher, stage_indices)), rel=1e-6)


SIDES = [(4, 4, 4), (4, 2, 2), (8, 2, 2), (2, 4, 4), (2, 8, 8), (2, 6, 6), (6, 4, 4), (4, 6, 4)]
"""Sides of the student's map, of the teacher's, and of the comparison."""


@pytest.mark.parametrize(("student_side", "teacher_side", "compared"), SIDES)
def test_hint_for_all_relations_of_sizes(student_side, teacher_side, compared):
    """A whole factor is the convolution's; otherwise both are pooled to the smaller."""
    student = draw_taps([(3, student_side, student_side)], seed=1, batch=2)
    teacher = draw_taps([(2, teacher_side, teacher_side)], seed=2, batch=2)
    loss, received = values("hint", student, teacher)
    assert loss.teacher_targets(teacher).shape == (2, 2, compared, compared)
    of_student, of_teacher = student.maps[0].tolist(), teacher.maps[0].tolist()
    if compared != teacher_side or (student_side % compared and compared % student_side):
        of_student, of_teacher = (
            [[average_pool(plane, compared, compared) for plane in image] for image in images]
            for images in (of_student, of_teacher)
        )
    assert received == pytest.approx(hint(loss, of_student, of_teacher), rel=1e-6)


@pytest.mark.parametrize(("student_side", "teacher_side", "compared"), SIDES)
def test_the_gradient_of_hint_reaches_regressor_and_student(student_side, teacher_side, compared):
    student = draw_taps([(3, student_side, student_side)], seed=1, batch=2)
    teacher = draw_taps([(2, teacher_side, teacher_side)], seed=2, batch=2)
    student.maps[0].requires_grad_()
    loss = build("hint", student, teacher)
    loss(student, loss.teacher_targets(teacher), torch.arange(2)).backward()
    assert student.maps[0].grad.abs().max() > 0
    weight = loss.regressor[0].weight.grad
    assert weight.abs().sum(dim=(2, 3)).min() > 0, "a channel that learns nothing"


@pytest.mark.parametrize(("stage", "stage_index"), [(None, 2), (0, 0), (3, 3)])
def test_hint_takes_the_middle_stage_or_the_configured_one(stage, stage_index):
    student, teacher = pair()
    alone = [Taps(taps.logits, taps.embedding, (taps.maps[stage_index],)) for taps in (student, teacher)]
    assert values("hint", student, teacher, stage=stage)[1] == pytest.approx(values("hint", *alone)[1], rel=1e-12)


# Contrast, with its memory


class ContrastReference:
    """Memory, constants and noise-contrastive loss of ``crd``, entry by entry."""

    def __init__(self, loss, num_images, temperature, momentum):
        self.memories = {"student": loss.student_memory.tolist(), "teacher": loss.teacher_memory.tolist()}
        self.constants = {}
        self.loss, self.num_images, self.temperature, self.momentum = loss, num_images, temperature, momentum

    def step(self, student, teacher, indices, negatives):
        """The value of one batch, and then the memory moves."""
        features = {
            "student": [unit(linear(self.loss.student_map, e)) for e in student],
            "teacher": [unit(linear(self.loss.teacher_map, e)) for e in teacher],
        }
        total = self.against("teacher", features["student"], indices, negatives)
        total += self.against("student", features["teacher"], indices, negatives)
        for side, of_images in features.items():
            for index, feature in zip(indices, of_images, strict=True):
                old = self.memories[side][index]
                self.memories[side][index] = unit(
                    [self.momentum * m + (1 - self.momentum) * f for m, f in zip(old, feature, strict=True)]
                )
        return total

    def against(self, side, features, indices, negatives):
        memory = self.memories[side]
        scores = [
            [math.exp(dot(feature, memory[position]) / self.temperature) for position in [index, *others]]
            for feature, index, others in zip(features, indices, negatives, strict=True)
        ]
        if side not in self.constants:
            self.constants[side] = mean(flat(scores)) * self.num_images
        total = 0.0
        for positive, *others in scores:
            noise = len(others) / self.num_images
            p = positive / self.constants[side]
            total -= math.log(p / (p + noise + 1e-7))
            for other in others:
                total -= math.log(noise / (other / self.constants[side] + noise + 1e-7))
        return total / len(features)


@pytest.mark.parametrize(("num_images", "configured", "taken"), [(9, 16384, 8), (9, 8, 8), (40, 5, 5)])
def test_crd_over_several_steps_of_training(num_images, configured, taken, monkeypatch):
    """Batches overlap, so that the memory's changes show; the linear maps learn between the steps."""
    student, teacher = pair()
    loss = build("crd", student, teacher, num_images, features=3, negatives=configured, temperature=0.5, momentum=0.3)
    reference = ContrastReference(loss, num_images, 0.5, 0.3)
    drawn, draw = [], loss._draw_negatives

    def recorded(indices):
        drawn.append(draw(indices))
        return drawn[-1]

    monkeypatch.setattr(loss, "_draw_negatives", recorded)
    optimiser = torch.optim.SGD(loss.parameters(), lr=0.1)
    for step, indices in enumerate([[0, 1, 2, 3], [3, 4, 1, 8], [7, 6, 5, 4], [3, 2, 1, 0], [0, 1, 2, 3]]):
        student, teacher = draw_taps((), 10 + step), draw_taps((), 20 + step, embedding=7)
        received = loss(student, loss.teacher_targets(teacher), torch.tensor(indices))
        negatives = drawn[-1].tolist()
        assert all(len(others) == taken for others in negatives)
        expected = reference.step(student.embedding.tolist(), teacher.embedding.tolist(), indices, negatives)
        assert received.item() == pytest.approx(expected, rel=1e-6)
        optimiser.zero_grad()
        received.backward()
        optimiser.step()
    assert loss.student_constant.item() == pytest.approx(reference.constants["student"], rel=1e-6)
    assert loss.teacher_constant.item() == pytest.approx(reference.constants["teacher"], rel=1e-6)


def test_all_other_images_are_negatives_of_crd_where_there_are_no_more_than_wanted():
    student, teacher = pair()
    negatives = build("crd", student, teacher, num_images=5, negatives=4)._draw_negatives(torch.tensor([0, 3, 4]))
    assert negatives.tolist() == [[1, 2, 3, 4], [0, 1, 2, 4], [0, 1, 2, 3]]


def test_drawn_negatives_of_crd_are_all_other_images_equally_often_and_never_the_image_itself():
    """Of 6 images 4 are drawn for each of 3000 rows: each of 5 others is expected 2400 times, deviation 44."""
    student, teacher = pair()
    loss = build("crd", student, teacher, num_images=6, negatives=4)
    for image in (0, 2, 5):
        negatives = loss._draw_negatives(torch.full((3000,), image))
        counts = torch.bincount(negatives.flatten(), minlength=6).tolist()
        assert counts.pop(image) == 0
        assert all(abs(count - 2400) < 5 * 44 for count in counts)
