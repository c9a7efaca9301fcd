"""Bad input gets one clear error before work is lost."""

import shutil

import pytest
from kedro.io import DatasetError
from kedro.validation import ParameterValidationError

from mf_nas_kd.errors import ImpossibleLimitError, InvalidValueError, MissingEvaluationError, UnknownNameError
from mf_nas_kd.parameters import ProjectConfigLoader, checked_parameters
from mf_nas_kd.settings import CONFIG_LOADER_ARGS
from tests.conftest import PROJECT
from tests.pipelines.running import catalog, run

LOW = {
    "schedules": {"ninth": {"train_fraction": "1/9", "epochs": 1}},
    "widths": {"whole": 1.0},
    "image_sizes": {"own": "own"},
    "distillation": {"kd": True},
}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"search": {"strategy": "best"}}, r"search.strategy is 'best', but must be one of: .*hf_gp, hyperband, lf_only, .*two_stage"),
        ({"search": {"budget_second": 3}}, r"search.budget_second \(3\) is not a parameter: .*; did you mean search.budget_seconds"),
        ({"search": {"budget_seconds": -1}}, r"search.budget_seconds is -1, but must be greater than 0"),
        ({"search": {"max_macs": 0}}, r"search.max_macs is 0, but must be greater than 0"),
        ({"executor": {"kind": "threads"}}, r"executor.kind is 'threads', but must be one of: dask, inline, processes"),
        ({"images": {"source": "cats"}}, r"images.source is 'cats', but must be one of: cifar10, cifar100, digits"),
        ({"space": {"name": "resnet"}}, r"space.name is 'resnet', but must be one of: mobilenet_v2"),
        ({"distillation": {"kd": {"loss": "kdd"}}}, r"distillation.kd.loss is 'kdd', but must be one of"),
        ({"distillation": {"kd": {"options": {"tau": 1}}}}, r"is 'tau', but must be one of: .*temperature"),
        ({"evaluation": {"full": {"train_fraction": "4/3"}}}, r"evaluation.full.train_fraction is '4/3', but must be less than or equal to 1"),
        ({"evaluation": {"full": {"width": 0.5}}}, r"evaluation.full is .* must be all images, with nothing reduced"),
        ({"evaluation": {"seeds": 0}}, r"evaluation.seeds is 0, but must be greater than 0"),
        ({"teacher": {"builder": "resnet"}}, r"teacher.builder is 'resnet', but must be one of: residual, resnet32x4"),
        ({"teacher": {"epochs": 0}}, r"teacher.epochs is 0, but must be at least 1, or teacher.weights a file"),
        ({"images": {"options": {"image_folder": {"channels": 4}}}}, r"images.options.image_folder.channels is 4, but must be 1 or 3"),
        ({"distillation": {"kd": {"loss_weight": "balance"}}}, r"distillation.kd.loss_weight is 'balance', but must be a number, or 'gradient_norm'"),
        ({"images": {"options": {"cats": {}}}}, r"images.options is 'cats', but must be one of: cifar10, cifar100, digits"),
        ({"images": {"options": {"digits": {"size": 8}}}}, r"images.options.digits.size \(8\) is not a parameter"),
        ({"teacher": {"options": {"residual": {"stem": 0}}}}, r"teacher.options.residual.stem is 0, but must be greater than 0"),
        ({"teacher": {"options": {"residual": {"depth": 3}}}}, r"teacher.options.residual.depth \(3\) is not a parameter"),
        ({"teacher": {"options": {"torchvision": {"model": "resnet19"}}}}, r"teacher.options.torchvision.model is 'resnet19', but must be"),
        ({"teacher": {"builder": "timm", "options": {"timm": {"model": "resnet19"}}}}, r"teacher.options.timm.model is 'resnet19', but must be one that timm"),
        ({"teacher": {"builder": "timm", "options": {"timm": {"pretrained": True}}, "weights": "w.pt"}}, r"teacher.weights is '.*w.pt', but must be null where"),
        ({"executor": {"options": {"inline": {"gpu": 1}}}}, r"executor.options.inline.gpu \(1\) is not a parameter"),
        ({"strategies": {"best": {}}}, r"strategies is 'best', but must be one of: .*hf_gp"),
        ({"strategies": {"mf_kd": {"draws": 0}}}, r"strategies.mf_kd.draws is 0, but must be greater than 0"),
        ({"evaluation": {"low": {"schedules": {"twenty_seventh": None}}}}, r"evaluation.low.schedules is .*, but must be one with at least one value that is not"),
        ({"evaluation": {"low": {"distillation": {"kd": 3}}}}, r"evaluation.low.distillation.kd is 3, but must be true or false"),
        ({"evaluation": {"low": {"widths": {"half": 2}}}}, r"evaluation.low.widths.half is 2, but must be less than or equal to 1"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_before_any_node_runs(tmp_path, parameters, message):
    with pytest.raises(ParameterValidationError, match=message):
        run(tmp_path, **parameters)
    assert not list(tmp_path.iterdir())


def test_a_parameter_that_nobody_reads_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="serach .* is not a parameter: .*search.*; did you mean search"):
        run(tmp_path, serach={"budget_seconds": 3})
    assert not list(tmp_path.iterdir())


def test_a_fidelity_with_an_unknown_distillation_is_refused_before_any_node_runs(tmp_path):
    with pytest.raises(UnknownNameError, match="search.low.distillation is 'nts', but must be one of: .*nst"):
        run(tmp_path, search={"low": {**LOW, "distillation": {"nts": True}}})
    assert not list(tmp_path.iterdir())


def test_a_subset_smaller_than_the_classes_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match=r"train_fraction is '1/200', but must be at least 10/897"):
        run(tmp_path, "data", subsets={"fractions": ["1/200"]})


def test_an_impossible_limit_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(ImpossibleLimitError, match=r"no architecture .* macs <= 10: the smallest one has macs = "):
        run(tmp_path, search={"max_macs": 10})
    assert catalog(tmp_path).load("evaluations").empty


def test_an_impossible_limit_on_parameters_is_refused(study):
    with pytest.raises(ImpossibleLimitError, match=r"no architecture .* params <= 1: the smallest one has"):
        run(study, "search", search={"max_params": 1})


def test_a_search_after_the_settings_changed_asks_for_the_evaluation_stage(study):
    with pytest.raises(
        MissingEvaluationError, match="60 of 60 planned evaluations were made with .* other training settings"
    ):
        run(study, "search", training={"hyper_parameters": {"learning_rate": 0.05}})


def test_a_low_fidelity_of_the_search_that_cannot_be_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InvalidValueError, match="train_fraction is '1/200', but must be at least 10/897"):
        run(tmp_path, search={"low": {**LOW, "schedules": {"tiny": {"train_fraction": "1/200", "epochs": 1}}}})
    assert catalog(tmp_path).load("evaluations").empty


def test_a_stage_without_its_predecessor_says_what_to_run(tmp_path, study):
    with pytest.raises(DatasetError, match="images.safetensors"):
        run(tmp_path, "teacher")
    run(tmp_path, "data")
    run(tmp_path, "teacher")
    from_study, into = catalog(study), catalog(tmp_path)
    missing = r"candidate_proxies.parquet.* is not there: run the pipeline that saves it"
    with pytest.raises(DatasetError, match=missing):
        run(tmp_path, "correlation")
    for name in ("candidates", "candidate_proxies", "evaluation_plan"):
        into.save(name, from_study.load(name))
    with pytest.raises(
        MissingEvaluationError, match=r"60 of 60 planned evaluations are not in the store: run the eval"
    ):
        run(tmp_path, "correlation")


def test_a_foreign_store_is_refused(tmp_path, study):
    shutil.copytree(study, tmp_path / "copy")
    (tmp_path / "copy/3_evaluation/evaluations.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatasetError, match=r"cannot use the evaluation store .*move the file away"):
        run(tmp_path / "copy", "evaluation")


def test_a_list_of_an_old_environment_is_one_line(tmp_path):
    """Before schedules had names, they were a list."""
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "mine").mkdir()
    old = "evaluation: {low: {schedules: [{train_fraction: 1/9, epochs: 2}]}}"
    (tmp_path / "conf" / "mine" / "parameters.yml").write_text(old)
    loader = ProjectConfigLoader(str(tmp_path / "conf"), env="mine", **CONFIG_LOADER_ARGS)
    wanted = r"evaluation.low.schedules is \[.*\], but must be a mapping by names, as in conf/base \(in conf/mine\)"
    with pytest.raises(InvalidValueError, match=wanted):
        checked_parameters(loader)
