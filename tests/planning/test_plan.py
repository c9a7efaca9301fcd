"""The plan: what it promises is what its parameters ask for."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.planning.choices import LONGEST_UNASKED, image_choices
from mf_nas_kd.planning.costs import PassSeconds
from mf_nas_kd.planning.plan import BASE_DISTILLATIONS, FIXED_SECONDS, SPREAD, Facts, Kind, make_plan
from mf_nas_kd.planning.sentences import expected
from mf_nas_kd.planning.speed import TeacherSeconds
from mf_nas_kd.planning.survey import Survey
from mf_nas_kd.planning.wishes import Wishes

WISHES = Wishes(None, None, None, None, None, mirror=True)
FACTS = Facts(
    train=4000,
    validation=500,
    test=500,
    classes=10,
    smallest_class=400,
    largest_class=400,
    workers=2,
    candidate=PassSeconds(1.0, 1e-6),
    mean_macs=2e6,
    largest_macs=6e6,
    teacher=TeacherSeconds(8.0, 3.0, is_residual=True),
)


def plan_of(facts=FACTS, **wishes):
    return make_plan(facts, replace(WISHES, **wishes), {})


def test_a_study_that_can_rank_searches():
    plan = plan_of(budget_seconds=7200.0)
    assert plan.kind is Kind.SEARCH
    assert plan.parameters["search"]["strategy"] == "mf_kd"
    assert sum(schedule is not None for schedule in plan.parameters["evaluation"]["low"]["schedules"].values()) == 2


def test_with_few_images_networks_are_trained_long_instead_of_ranked():
    few = replace(FACTS, train=600, validation=300, test=300)
    plan = plan_of(few, budget_seconds=7200.0)
    assert plan.kind is Kind.FEW_IMAGES
    assert plan.parameters["final"]["finalists"] == 3
    assert plan.parameters["search"]["budget_evaluations"] == 2
    assert "mostly luck" in " ".join(expected(few, plan))
    assert plan.seconds["final"] > plan_of(budget_seconds=7200.0).seconds["final"]


def test_the_search_of_few_networks_affords_the_costliest_one():
    few = replace(FACTS, train=600, validation=300, test=300)
    parameters = plan_of(few, budget_seconds=3600.0).parameters
    largest = parameters["evaluation"]["full"]["epochs"] * few.candidate(few.largest_macs)
    assert parameters["search"]["budget_seconds"] > 2 * parameters["search"]["budget_evaluations"] * largest


def test_the_final_stage_affords_all_finalists_in_every_way():
    few = replace(FACTS, train=600, validation=300, test=300)
    final = plan_of(few, budget_seconds=3600.0).parameters["final"]
    training = final["epochs"] * few.candidate((few.mean_macs + few.largest_macs) / 2)
    references = 7
    assert final["budget_seconds"] > (2 * final["finalists"] + references) * training


def test_with_little_time_nothing_is_ranked_and_a_longer_budget_is_named():
    plan = plan_of(budget_seconds=120.0)
    assert plan.kind is Kind.LITTLE_TIME
    assert "--budget" in " ".join(expected(FACTS, plan))


def test_the_expected_agreement_falls_with_fewer_images_and_never_reaches_one():
    agreements = [replace(FACTS, validation=count).agreement for count in (50, 300, 2000, 10**9)]
    assert agreements == sorted(agreements)
    assert 0 < agreements[0] < 0.5 < agreements[-1] < 0.75
    assert replace(FACTS, validation=10**9).noise < SPREAD / 100


@given(st.floats(600, 200_000), st.floats(0.01, 50), st.integers(300, 50_000))
def test_a_budget_that_allows_the_least_is_kept(budget, pass_seconds, validation):
    facts = replace(FACTS, candidate=PassSeconds(pass_seconds, 0.0), validation=validation)
    facts = replace(facts, teacher=TeacherSeconds(0.1 * pass_seconds, 0.01, is_residual=True))
    plan = plan_of(facts, budget_seconds=budget)
    least = 200 * pass_seconds + sum(FIXED_SECONDS.values())
    assert plan.total_seconds <= max(1.1 * budget, least)


def test_without_a_budget_no_study_is_planned_for_longer_than_eight_hours():
    slow = replace(FACTS, candidate=PassSeconds(200.0, 0.0))
    assert plan_of(slow).total_seconds < 1.2 * LONGEST_UNASKED
    assert plan_of().total_seconds < LONGEST_UNASKED


@pytest.mark.parametrize("smallest", [2, 20, 400])
def test_every_subset_has_images_of_every_class(smallest):
    plan = plan_of(replace(FACTS, smallest_class=smallest), budget_seconds=7200.0)
    fractions = {
        "third": Fraction(1, 3),
        "ninth": Fraction(1, 9),
        "twenty_seventh": Fraction(1, 27),
        "short": Fraction(1),
    }
    used = [name for name, schedule in plan.parameters["evaluation"]["low"]["schedules"].items() if schedule]
    assert used
    assert all(smallest * fractions[name] >= 1 for name in used)


def test_limits_are_limits_of_the_search_and_those_of_macs_of_the_candidates():
    parameters = plan_of(budget_seconds=7200.0, max_macs=3_000_000, max_latency_ms=5.0).parameters
    assert parameters["search"]["max_macs"] == parameters["candidates"]["max_macs"] == 3_000_000
    assert parameters["search"]["max_latency_ms"] == 5.0
    assert "max_params" not in parameters["search"]


def test_what_is_evaluated_with_distillation_is_in_the_configuration(project):
    import yaml

    base = yaml.safe_load((project / "conf/base/parameters_evaluation.yml").read_text())["evaluation"]
    on = {name for name, used in base["low"]["distillation"].items() if used}
    assert on == set(BASE_DISTILLATIONS)


SURVEY = Survey({"train": 1000}, {"a": 600, "b": 400}, side=300, is_grey=False)


def chosen(survey=SURVEY, device="cpu", workers=2, **wishes):
    return image_choices(survey, replace(WISHES, **wishes), device, workers)


def test_the_size_follows_the_images_the_time_and_the_device():
    assert chosen(replace(SURVEY, side=28)).image_size == 28
    assert chosen(replace(SURVEY, side=8)).environment is None
    assert chosen(replace(SURVEY, side=80)).image_size == 64
    assert chosen(budget_seconds=600.0).image_size < chosen(budget_seconds=36_000.0).image_size
    large = replace(SURVEY, splits={"train": 50_000})
    assert chosen(large).image_size < chosen(large, device="cuda").image_size
    assert chosen(image_size=160).environment == "image_folder_224"
    assert chosen(image_size=160).parameters({}, "/images")["evaluation"]["low"]["image_sizes"] == {"half": 80}
    assert chosen(image_size=64).stem_stride == 2


def test_subsets_have_images_of_every_class():
    assert chosen().parts == (27, 9, 3, 1)
    few = replace(SURVEY, classes={"a": 600, "b": 36})
    assert chosen(few).parts == (3, 1)
    assert chosen(few).parameters({}, "/images")["subsets"] == {"fractions": ["1/3", "1"]}
    assert chosen(replace(few, splits={"train": 1000, "val": 10, "test": 10})).parts == (9, 3, 1)


def test_larger_folders_hold_fewer_images_back():
    assert chosen().validation_fraction == 0.25
    assert chosen(replace(SURVEY, splits={"train": 50_000})).validation_fraction == 0.1


def test_classes_of_very_different_sizes_are_balanced():
    assert not chosen().is_balanced
    uneven = chosen(replace(SURVEY, classes={"a": 900, "b": 100}))
    parameters = uneven.parameters({"teacher": {"hyper_parameters": {"batch_size": 64}}}, "/images")
    assert parameters["metric"] == "balanced_accuracy"
    assert parameters["teacher"]["hyper_parameters"] == {"batch_size": 64, "class_weights": "balanced"}


def test_a_deeper_teacher_takes_the_time_that_a_small_one_cannot_use():
    fast = replace(FACTS, train=20_000, teacher=TeacherSeconds(1.0, 0.3, is_residual=True))
    plan = plan_of(fast, budget_seconds=7200.0)
    assert plan.parameters["teacher"]["options"]["residual"]["blocks"] == 3
    assert plan.seconds["teacher"] <= 0.15 * 7200
    assert "options" not in plan_of(replace(fast, train=2000), budget_seconds=7200.0).parameters["teacher"]
    other = replace(fast, teacher=TeacherSeconds(1.0, 0.3, is_residual=False))
    assert "options" not in plan_of(other, budget_seconds=7200.0).parameters["teacher"]


def test_fewer_networks_are_measured_where_the_time_is_short():
    assert plan_of(budget_seconds=600.0).parameters["search"]["pool_size"] >= 50
    assert plan_of(budget_seconds=600.0, max_latency_ms=1.0).parameters["search"]["pool_size"] == 50
    assert plan_of(budget_seconds=150.0, max_latency_ms=1.0).parameters["search"]["pool_size"] == 20
