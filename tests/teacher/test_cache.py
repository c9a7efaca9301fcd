"""With what the teacher said before, and without: the same trainings."""

import logging
import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from mf_nas_kd.distillation import LOSSES
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies import training_evaluator as module
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher.cache import Question
from mf_nas_kd.teacher.target_file import HEADER_BYTES, TargetFile
from mf_nas_kd.training import OnlineTeacherTargets, RememberedTeacherTargets, TrainingSettings, fit
from mf_nas_kd.workers import open_executor
from tests.conftest import SETTINGS
from tests.fakes import executor_settings
from tests.studies.test_training_evaluator import science

IMITATING = [name for name in LOSSES if name != "none"]
RECIPES = {
    name: {
        "loss": name,
        "cross_entropy_weight": 1.0,
        "loss_weight": "balanced",
        "loss_warmup_fraction": 0.0,
        "options": {"negatives": 40} if name == "crd" else {},
    }
    for name in IMITATING
}


@pytest.fixture(scope="module")
def every_loss():
    recipes = {"none": SETTINGS["distillation"]["none"], **RECIPES}
    return TrainingSettings.model_validate({**SETTINGS, "distillation": recipes})


@pytest.fixture
def fidelity(short):
    return replace(short, train_fraction=Fraction(1, 9), epochs=2, distillation="kd")


def prepare(evaluator, requests, kind="inline"):
    with open_executor(executor_settings(kind), evaluator) as workers:
        return list(evaluator.prepare(requests, workers))


def trained(evaluator, monkeypatch, *arguments):
    """What a training gives, the losses of its epochs, and where its targets came from."""
    fits, sources = [], []

    def watched_fit(network, images, objective, *rest):
        sources.append(type(objective._imitation.teacher_targets))
        fits.append(fit(network, images, objective, *rest))
        return fits[-1]

    monkeypatch.setattr(module, "fit", watched_fit)
    _, validation, test = evaluator.train(*arguments)
    return fits[0].epoch_losses, validation, test, sources[0]


@pytest.mark.parametrize("loss", IMITATING)
def test_remembered_or_asked_in_every_step_a_training_is_the_same(
    digits, order, every_loss, teacher, architectures, fidelity, tmp_path, monkeypatch, loss
):
    fidelity = replace(fidelity, distillation=loss)
    asking = TrainingEvaluator(digits, order, every_loss, teacher)
    remembering = TrainingEvaluator(digits, order, every_loss, teacher, tmp_path)
    prepare(remembering, [EvaluationRequest(architectures[0], fidelity, 0)])
    *without, source = trained(asking, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTeacherTargets
    *with_memory, source = trained(remembering, monkeypatch, architectures[0], fidelity, 0)
    assert source is RememberedTeacherTargets
    assert with_memory[0] == pytest.approx(without[0], rel=2**-11), "half precision has eleven bits"
    assert with_memory[1:] == without[1:]
    keys = {e.key(architectures[0], fidelity, 0) for e in (asking, remembering)}
    assert len(keys) == 1


def test_what_is_remembered_is_what_the_teacher_says(remembering, architectures, fidelity):
    request = EvaluationRequest(architectures[0], fidelity, 0)
    prepare(remembering, [request])
    ((file, *_),) = remembering.teaching._wanted([request])
    records = file.records()
    positions, views = (torch.from_numpy(n(records["pair"], 9)) for n in (np.floor_divide, np.mod))
    batch = remembering.context.resident(remembering.context.images.train, remembering.context.views).batch(
        positions, views
    )
    with torch.no_grad():
        logits = remembering.teaching._teacher_network(batch.images).logits
    np.testing.assert_allclose(records["target"], logits.half().numpy(), rtol=2**-10, atol=1e-4)


def test_what_is_said_of_an_image_does_not_depend_on_its_company(remembering, architectures, fidelity):
    """Blocks are cut differently when some pairs are there already; the numbers are the same, bit by bit."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    ((_, lesson, pairs),) = remembering.teaching._wanted([request])
    together = remembering.teaching.answer(Question(pairs, (lesson,))).targets[0]
    for chosen in (np.arange(1), np.arange(5, 40), np.arange(len(pairs))[::-7]):
        alone = remembering.teaching.answer(Question(pairs[chosen], (lesson,))).targets[0]
        assert np.array_equal(alone, together[chosen])


def test_only_what_is_missing_is_asked(remembering, architectures, fidelity):
    def pairs_of(*fidelities):
        return sum(
            f.pairs for f in prepare(remembering, [EvaluationRequest(architectures[0], f, 0) for f in fidelities])
        )

    first = pairs_of(fidelity)
    assert first == len(remembering.teaching._seen(fidelity, 0))
    assert pairs_of(fidelity) == 0
    longer = replace(fidelity, epochs=3)
    both = np.union1d(remembering.teaching._seen(fidelity, 0), remembering.teaching._seen(longer, 0))
    assert pairs_of(fidelity, longer) == len(both) - first
    assert pairs_of(replace(fidelity, distillation="none")) == 0


def test_one_look_at_an_image_serves_all_losses(digits, order, every_loss, teacher, architectures, fidelity, tmp_path):
    evaluator = TrainingEvaluator(digits, order, every_loss, teacher, tmp_path)
    requests = [EvaluationRequest(a, replace(fidelity, distillation=d), 0) for a in architectures for d in IMITATING]
    fills = prepare(evaluator, requests)
    assert sum(fill.pairs for fill in fills) == len(evaluator.teaching._seen(replace(fidelity, distillation="kd"), 0))
    forms = {file.path for file, *_ in evaluator.teaching._wanted(requests)}
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in forms}
    assert len(forms) < len(IMITATING), "kd, dkd and dist remember the same logits"


def test_the_memory_is_kept_between_runs_and_belongs_to_its_teacher(
    digits, order, settings, teacher, architectures, fidelity, tmp_path
):
    request = EvaluationRequest(architectures[0], fidelity, 0)

    def asked(teacher=teacher, **change):
        changed = TrainingSettings.model_validate({**SETTINGS, **change})
        return len(prepare(TrainingEvaluator(digits, order, changed, teacher, tmp_path), [request])) > 0

    assert [asked(), asked()] == [True, False]
    other = replace(teacher, weights={name: weights + 1 for name, weights in teacher.weights.items()})
    assert asked(teacher=other)
    assert asked(views={**SETTINGS["views"], "views_per_image": 4})
    assert not asked()


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
    assert 0 < fill.pairs < len(evaluators[0].teaching._seen(fidelity, 0)) / 10
    assert sorted(path.read_bytes()) == sorted(whole)
    assert prepare(evaluators[2], [request]) == []


def test_beyond_the_limit_the_teacher_is_asked_in_every_step(
    digits, order, teacher, architectures, fidelity, tmp_path, caplog, monkeypatch
):
    settings = TrainingSettings.model_validate({**SETTINGS, "teacher_memory_gib": 1e-6})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    request = EvaluationRequest(architectures[0], fidelity, 0)
    with caplog.at_level(logging.INFO):
        assert prepare(evaluator, [request]) == []
        assert prepare(evaluator, [request]) == []
    assert caplog.text.count("more than training.teacher_memory_gib: it is asked in every step") == 1
    *_, source = trained(evaluator, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTeacherTargets


def test_the_limit_is_that_of_all_files(digits, order, teacher, architectures, fidelity, tmp_path):
    recipes = {"none": SETTINGS["distillation"]["none"], **RECIPES}
    gib = 20_000 / 2**30  # about 200 pairs: logits and embedding take 10,528 and 12,940 bytes
    settings = TrainingSettings.model_validate({**SETTINGS, "distillation": recipes, "teacher_memory_gib": gib})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    prepare(
        evaluator, [EvaluationRequest(architectures[0], replace(fidelity, distillation=d), 0) for d in ("kd", "pkt")]
    )
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 1
    assert sum(sizes) <= gib * 2**30


def test_a_record_that_is_damaged_later_is_not_looked_up(remembering, architectures, fidelity, monkeypatch):
    prepare(remembering, [EvaluationRequest(architectures[0], fidelity, 0)])
    (path,) = remembering.teaching._folder.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)
    *_, source = trained(remembering, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTeacherTargets


def test_every_record_is_checked_once_and_before_a_training_begins(remembering, architectures, fidelity, monkeypatch):
    checked, are_whole = [], TargetFile.are_whole
    monkeypatch.setattr(TargetFile, "are_whole", lambda file, r: checked.append(len(r)) or are_whole(file, r))
    in_training = []
    train = TrainingEvaluator.train

    def watched_train(*arguments):
        before = len(checked)
        result = train(*arguments)
        in_training.append(len(checked) - before)
        return result

    monkeypatch.setattr(TrainingEvaluator, "train", watched_train)
    for epochs in (2, 3):
        request = EvaluationRequest(architectures[0], replace(fidelity, epochs=epochs), 0)
        prepare(remembering, [request])
        for architecture in architectures[:2]:
            assert remembering.evaluate(architecture, request.fidelity, 0).finished
    ((file, *_),) = remembering.teaching._wanted([request])
    assert in_training == [0, 0, 0, 0]
    assert sum(checked) == len(file.records()) > 0
    assert len(checked) == 2


def test_a_file_that_was_replaced_is_not_used_with_the_places_of_the_old_one(
    remembering, architectures, fidelity, monkeypatch
):
    """Also where the new one has the number on the disk, and the length, of the old one."""
    request = EvaluationRequest(architectures[0], fidelity, 0)
    prepare(remembering, [request])
    remembering.evaluate(architectures[0], fidelity, 0)
    ((file, *_),) = remembering.teaching._wanted([request])
    content = file.path.read_bytes()
    body = content[HEADER_BYTES:]
    with file.path.open("r+b") as raw:
        raw.seek(HEADER_BYTES)
        raw.write(body[file.record_bytes :] + body[: file.record_bytes])
    *_, source = trained(remembering, monkeypatch, architectures[0], fidelity, 0)
    assert source is OnlineTeacherTargets


def test_workers_map_what_the_driver_wrote(remembering, evaluator, architectures, fidelity, tmp_path):
    """The same table as with a teacher asked in every step; and the store knows what asking took."""
    requests = [EvaluationRequest(a, fidelity, 0) for a in architectures[:4]]
    tables, seconds = [], []
    for number, one in enumerate((evaluator, remembering)):
        store = EvaluationStore(f"sqlite:///{tmp_path}/{number}.db")
        with open_executor(executor_settings("processes"), one) as workers:
            found = run_evaluations(requests, one, workers, store, lambda _: None, False, False)
        tables.append([science(e) for e in found])
        seconds.append(store.precomputed_targets()["seconds"].sum())
    assert tables[0] == tables[1]
    assert seconds[0] == 0 < seconds[1]
    assert store.precomputed_targets()["pairs"].sum() == len(remembering.teaching._seen(fidelity, 0))


def test_an_evaluator_travels_without_its_memory(remembering, architectures, fidelity):
    request = EvaluationRequest(architectures[0], fidelity, 0)
    small = len(pickle.dumps(remembering))
    prepare(remembering, [request])
    remembering.evaluate(architectures[0], fidelity, 0)
    assert len(pickle.dumps(remembering)) < 1.01 * small


def test_who_has_more_of_other_teachers_than_the_limit_is_told_once(
    digits, order, teacher, architectures, fidelity, tmp_path, caplog
):
    (tmp_path / "of-another.targets").write_bytes(bytes(2_000_000))
    settings = TrainingSettings.model_validate({**SETTINGS, "teacher_memory_gib": 1e-3})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    request = EvaluationRequest(architectures[0], fidelity, 0)
    with caplog.at_level(logging.INFO):
        assert prepare(evaluator, [request]), "the limit is that of what is used"
        prepare(evaluator, [request])
    assert caplog.text.count("are of other teachers, images, views or losses") == 1
    assert (tmp_path / "of-another.targets").exists()
