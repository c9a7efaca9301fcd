"""With cached teacher targets, and without: the same trainings."""

import logging
import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from mf_nas_kd.distillation import LOSSES, published_options
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.images import Batch, PairIndex
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import build_space
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies import training_evaluator as module
from mf_nas_kd.studies.resolution import seen_pairs
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher import CachedTargets, OnlineTargets, TargetRequest
from mf_nas_kd.teacher.cache import _with_absent
from mf_nas_kd.teacher.target_file import HEADER_BYTES, TargetFile
from mf_nas_kd.teacher.targets import ABSENT
from mf_nas_kd.training import TrainingSettings, fit
from mf_nas_kd.workers import open_executor
from tests.conftest import CHOICES, SETTINGS
from tests.fakes import executor_settings
from tests.studies.test_training_evaluator import augmentation, science

DISTILLING = [name for name in LOSSES if name != "none"]
CONFIGURATIONS = {
    name: {
        "loss": name,
        "cross_entropy_weight": 1.0,
        "loss_weight": "gradient_norm",
        "loss_warmup_fraction": 0.0,
        "options": {**published_options(name), **({"negatives": 40} if name == "crd" else {})},
    }
    for name in DISTILLING
}


@pytest.fixture(scope="module")
def every_loss():
    configurations = {"none": SETTINGS["distillation"]["none"], **CONFIGURATIONS}
    return TrainingSettings.model_validate({**SETTINGS, "distillation": configurations})


@pytest.fixture
def fidelity(short):
    return replace(short, train_fraction=Fraction(1, 9), epochs=2, distillation="kd")


def prepare(evaluator, requests, kind="inline"):
    with open_executor(executor_settings(kind), evaluator) as workers:
        return list(evaluator.prepare(requests, workers))


def wanted(evaluator, requests):
    trainings = [evaluator.resolve(r.architecture, r.fidelity, r.seed) for r in requests]
    return evaluator.precomputation.wanted(trainings, evaluator.teacher.cache)


def seen(evaluator, fidelity):
    """Pairs that a training sees; they do not depend on the architecture."""
    architecture = build_space("mobilenet_v2", CHOICES["mobilenet_v2"]).sample(numpy_generator(0, "seen"))
    return evaluator.resolve(architecture, fidelity, 0).pairs


def trained(evaluator, monkeypatch, *arguments):
    """What a training gives, the losses of its epochs, and where its targets came from."""
    fits, sources = [], []

    def watched_fit(network, images, objective, *rest, **options):
        sources.append(type(objective._term.teacher_targets))
        fits.append(fit(network, images, objective, *rest, **options))
        return fits[-1]

    monkeypatch.setattr(module, "fit", watched_fit)
    _, validation, test = evaluator.train(*arguments)
    return fits[0].epoch_losses, validation, test, sources[0]


@pytest.mark.parametrize("loss", DISTILLING)
def test_cached_or_online_a_training_is_the_same(
    digits, order, every_loss, teacher, architectures, fidelity, tmp_path, monkeypatch, loss
):
    fidelity = replace(fidelity, distillation=loss)
    online = TrainingEvaluator(digits, order, every_loss, teacher)
    caching = TrainingEvaluator(digits, order, every_loss, teacher, tmp_path)
    prepare(caching, [EvaluationRequest(architectures[0], fidelity, 0)])
    *without, source = trained(online, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTargets
    *with_cache, source = trained(caching, monkeypatch, architectures[0], fidelity, 0)
    assert source is CachedTargets
    assert with_cache[0] == pytest.approx(without[0], rel=2**-11), "half precision has eleven bits"
    assert with_cache[1:] == without[1:]
    keys = {e.key(architectures[0], fidelity, 0) for e in (online, caching)}
    assert len(keys) == 1


def test_cached_targets_are_the_teachers_outputs(caching, architectures, fidelity):
    request = EvaluationRequest(architectures[0], fidelity, 0)
    prepare(caching, [request])
    ((file, *_),) = wanted(caching, [request])
    records = file.records()
    positions, rows = PairIndex(9).decode(torch.from_numpy(np.array(records["pair"])))
    batch = caching.context.resident(caching.context.images.train, caching.context.augmentation).batch(positions, rows)
    with torch.no_grad():
        logits = caching.teacher.network(batch.images).logits
    np.testing.assert_allclose(records["target"], logits.half().numpy(), rtol=2**-10, atol=1e-4)


def test_targets_of_a_pair_do_not_depend_on_the_other_pairs(caching, architectures, fidelity):
    """Blocks are cut differently when some pairs are there already; the numbers are the same, bit by bit."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    ((_, spec, pairs),) = wanted(caching, [request])
    together = caching.precomputation.compute(TargetRequest(pairs, (spec,))).targets[0]
    for chosen in (np.arange(1), np.arange(5, 40), np.arange(len(pairs))[::-7]):
        alone = caching.precomputation.compute(TargetRequest(pairs[chosen], (spec,))).targets[0]
        assert np.array_equal(alone, together[chosen])


def test_only_missing_targets_are_computed(caching, architectures, fidelity):
    def pairs_of(*fidelities):
        return sum(f.pairs for f in prepare(caching, [EvaluationRequest(architectures[0], f, 0) for f in fidelities]))

    first = pairs_of(fidelity)
    assert first == len(seen(caching, fidelity))
    assert pairs_of(fidelity) == 0
    longer = replace(fidelity, epochs=3)
    both = np.union1d(seen(caching, fidelity), seen(caching, longer))
    assert pairs_of(fidelity, longer) == len(both) - first
    assert pairs_of(replace(fidelity, distillation="none")) == 0


def test_one_forward_pass_of_an_image_serves_all_losses(
    digits, order, every_loss, teacher, architectures, fidelity, tmp_path
):
    evaluator = TrainingEvaluator(digits, order, every_loss, teacher, tmp_path)
    requests = [EvaluationRequest(a, replace(fidelity, distillation=d), 0) for a in architectures for d in DISTILLING]
    fills = prepare(evaluator, requests)
    assert sum(fill.pairs for fill in fills) == len(seen(evaluator, replace(fidelity, distillation="kd")))
    paths = {file.path for file, *_ in wanted(evaluator, requests)}
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    assert len(paths) < len(DISTILLING), "kd, dkd and dist have the same targets, the logits"


def test_the_cache_is_kept_between_runs_and_belongs_to_its_teacher(
    digits, order, settings, teacher, architectures, fidelity, tmp_path
):
    request = EvaluationRequest(architectures[0], fidelity, 0)

    def computed(teacher=teacher, **change):
        changed = TrainingSettings.model_validate({**SETTINGS, **change})
        return len(prepare(TrainingEvaluator(digits, order, changed, teacher, tmp_path), [request])) > 0

    assert [computed(), computed()] == [True, False]
    other = replace(teacher, weights={name: weights + 1 for name, weights in teacher.weights.items()})
    assert computed(teacher=other)
    assert computed(augmentation=augmentation(rows=4))
    assert not computed()


def test_damage_is_found_and_computed_again(
    digits, order, settings, teacher, architectures, fidelity, tmp_path, caplog
):
    request = EvaluationRequest(architectures[0], fidelity, 0)
    evaluators = [TrainingEvaluator(digits, order, settings, teacher, tmp_path) for _ in range(3)]
    prepare(evaluators[0], [request])
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 255]) + whole[-99:])
    with caplog.at_level(logging.WARNING):
        (fill,) = prepare(evaluators[1], [request])
    assert "damaged" in caplog.text
    assert 0 < fill.pairs < len(seen(evaluators[0], fidelity)) / 10
    assert sorted(path.read_bytes()) == sorted(whole)
    assert prepare(evaluators[2], [request]) == []


def test_beyond_the_limit_targets_are_computed_online(
    digits, order, teacher, architectures, fidelity, tmp_path, caplog, monkeypatch
):
    settings = TrainingSettings.model_validate({**SETTINGS, "target_cache_gib": 1e-6})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    request = EvaluationRequest(architectures[0], fidelity, 0)
    with caplog.at_level(logging.INFO):
        assert prepare(evaluator, [request]) == []
        assert prepare(evaluator, [request]) == []
    assert caplog.text.count("more than training.target_cache_gib: the teacher's forward pass is made online") == 1
    *_, source = trained(evaluator, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTargets


def test_the_limit_is_that_of_all_files(digits, order, teacher, architectures, fidelity, tmp_path):
    configurations = {"none": SETTINGS["distillation"]["none"], **CONFIGURATIONS}
    gib = 20_000 / 2**30  # about 200 pairs: logits and embedding take 10,528 and 12,940 bytes
    settings = TrainingSettings.model_validate({**SETTINGS, "distillation": configurations, "target_cache_gib": gib})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    prepare(
        evaluator, [EvaluationRequest(architectures[0], replace(fidelity, distillation=d), 0) for d in ("kd", "pkt")]
    )
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 1
    assert sum(sizes) <= gib * 2**30


def test_a_record_that_is_damaged_later_is_not_looked_up(caching, architectures, fidelity, monkeypatch):
    prepare(caching, [EvaluationRequest(architectures[0], fidelity, 0)])
    (path,) = caching.teacher._folder.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)
    *_, source = trained(caching, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTargets


def test_every_record_is_checked_once_and_before_a_training_begins(caching, architectures, fidelity, monkeypatch):
    checked, are_whole = [], TargetFile.are_whole
    monkeypatch.setattr(TargetFile, "are_whole", lambda file, r: checked.append(len(r)) or are_whole(file, r))
    in_training = []
    train = TrainingEvaluator.train_resolved

    def watched_train(*arguments):
        before, drawn_before = len(checked), seen_pairs.cache_info().misses
        result = train(*arguments)
        in_training.append(len(checked) - before)
        assert seen_pairs.cache_info().misses == drawn_before, "the epochs were drawn again, within the clock"
        return result

    monkeypatch.setattr(TrainingEvaluator, "train_resolved", watched_train)
    for epochs in (2, 3):
        request = EvaluationRequest(architectures[0], replace(fidelity, epochs=epochs), 0)
        prepare(caching, [request])
        for architecture in architectures[:2]:
            assert caching.evaluate(architecture, request.fidelity, 0).finished
    ((file, *_),) = wanted(caching, [request])
    assert in_training == [0, 0, 0, 0]
    assert sum(checked) == len(file.records()) > 0
    assert len(checked) == 2


def test_a_file_that_was_replaced_is_not_used_with_the_places_of_the_old_one(
    caching, architectures, fidelity, monkeypatch
):
    """Also where the new one has the number on the disk, and the length, of the old one."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    prepare(caching, [request])
    caching.evaluate(architectures[0], fidelity, 0)
    ((file, *_),) = wanted(caching, [request])
    content = file.path.read_bytes()
    body = content[HEADER_BYTES:]
    with file.path.open("r+b") as raw:
        raw.seek(HEADER_BYTES)
        raw.write(body[file.record_bytes :] + body[: file.record_bytes])
    *_, source = trained(caching, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTargets


@pytest.mark.slow
def test_workers_map_what_the_driver_wrote(caching, evaluator, architectures, fidelity, tmp_path):
    """The same table as with targets computed online; and the store has the seconds of the precomputation."""
    requests = [EvaluationRequest(a, fidelity, 0) for a in architectures[:4]]
    tables, seconds = [], []
    for number, one in enumerate((evaluator, caching)):
        store = EvaluationStore(f"sqlite:///{tmp_path}/{number}.db")
        with open_executor(executor_settings("processes"), one) as workers:
            found = run_evaluations(requests, one, workers, store, lambda _: None, False, False)
        tables.append([science(e) for e in found])
        seconds.append(store.precomputed_targets()["seconds"].sum())
    assert tables[0] == tables[1]
    assert seconds[0] == 0 < seconds[1]
    assert store.precomputed_targets()["pairs"].sum() == len(seen(caching, fidelity))


def test_an_evaluator_is_pickled_without_its_cache(caching, architectures, fidelity):
    request = EvaluationRequest(architectures[0], fidelity, 0)
    small = len(pickle.dumps(caching))
    prepare(caching, [request])
    caching.evaluate(architectures[0], fidelity, 0)
    assert len(pickle.dumps(caching)) < 1.01 * small


def test_more_targets_of_other_teachers_than_the_limit_are_logged_once(
    digits, order, teacher, architectures, fidelity, tmp_path, caplog
):
    (tmp_path / "of-another.targets").write_bytes(bytes(2_000_000))
    settings = TrainingSettings.model_validate({**SETTINGS, "target_cache_gib": 1e-3})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    request = EvaluationRequest(architectures[0], fidelity, 0)
    with caplog.at_level(logging.INFO):
        assert prepare(evaluator, [request]), "the limit is that of what is used"
        prepare(evaluator, [request])
    assert caplog.text.count("are of other teachers, images, augmentations or losses") == 1
    assert (tmp_path / "of-another.targets").exists()


def test_a_pair_without_a_target_is_an_error_and_never_another_pairs_target(caching, architectures, fidelity):
    """Should a training ever see a pair that its look-up did not know of."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    prepare(caching, [request])
    training = caching.resolve(architectures[0], fidelity, 0)
    file = caching.teacher.file_of(training.target_spec, caching.teacher.cache)
    index, subset, cpu = PairIndex(9), training.subset.positions, torch.device("cpu")
    targets = caching.teacher.cache.look_up(file, training.pairs[1:], subset, index, cpu)
    nothing = torch.empty(0)

    def batch_of(pair):
        position, row = index.decode(torch.tensor([pair]))
        return Batch(nothing, nothing, torch.searchsorted(subset, position), row, nothing)

    assert targets(batch_of(training.pairs[1])).shape == (1, 10)
    with pytest.raises(InvalidValueError, match=r"pairs \(position, augmentation\) of a batch is \[\[\d+, \d\]\]"):
        targets(batch_of(training.pairs[0]))


def test_on_other_devices_a_pair_without_a_target_gives_no_number(caching, architectures, fidelity):
    """There a check would wait for the device: the loss of the training is not finite, which ends it."""
    prepare(caching, [EvaluationRequest(architectures[0], fidelity, 0)])
    training = caching.resolve(architectures[0], fidelity, 0)
    file = caching.teacher.file_of(training.target_spec, caching.teacher.cache)
    index, subset, meta = PairIndex(9), training.subset.positions, torch.device("meta")
    targets = caching.teacher.cache.look_up(file, training.pairs, subset, index, meta)
    assert len(targets._values) == len(training.pairs) + 1
    assert _with_absent(torch.ones(2, 3, dtype=torch.float16))[ABSENT].isnan().all()
