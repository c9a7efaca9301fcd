import pickle

import pytest
import torch

from mf_nas_kd.errors import MissingTeacherError
from mf_nas_kd.studies.study_teacher import PER_PROCESS, StudyTeacher
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.teacher import TargetSpec
from mf_nas_kd.training import TrainingSettings
from tests.conftest import SETTINGS

STUDENT = TapShapes(classes=10, embedding=16, maps=((8, 4, 4), (16, 2, 2)))
SPEC = TargetSpec("kd", STUDENT)


@pytest.fixture
def context(digits, order, settings, teacher):
    return TrainingContext(digits, order, settings, teacher)


def test_without_a_teacher_there_is_no_cache_and_one_clear_error(digits, order, settings, tmp_path):
    alone = StudyTeacher(TrainingContext(digits, order, settings, None), tmp_path)
    assert alone.cache is None
    with pytest.raises(MissingTeacherError, match="no teacher: run the teacher pipeline first"):
        _ = alone.trained


def test_without_a_folder_or_space_nothing_is_cached(digits, order, teacher, context, tmp_path):
    assert StudyTeacher(context, None).cache is None
    no_space = TrainingSettings.model_validate({**SETTINGS, "target_cache_gib": 0})
    assert StudyTeacher(TrainingContext(digits, order, no_space, teacher), tmp_path).cache is None
    assert StudyTeacher(context, tmp_path).cache is not None


def test_a_specification_has_one_file_wherever_it_is_asked_for(context, tmp_path):
    teacher = StudyTeacher(context, tmp_path)
    file = teacher.file_of(SPEC, teacher.cache)
    assert teacher.file_of(SPEC, teacher.cache) is file
    assert not file.path.exists(), "nothing is written before there are targets"
    again = pickle.loads(pickle.dumps(teacher))
    assert not PER_PROCESS & set(again.__dict__)
    assert again.file_of(SPEC, again.cache).path == file.path


def test_the_loss_takes_targets_of_the_network(context, digits, tmp_path):
    teacher = StudyTeacher(context, tmp_path)
    with torch.random.fork_rng(devices=[]):
        loss = teacher.loss(SPEC, num_images=5)
    with torch.no_grad():
        targets = loss.teacher_targets(teacher.network(torch.zeros(3, *digits.image_shape)))
    assert len(targets) == 3
    assert not teacher.network.training
