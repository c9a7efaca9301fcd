import pytest
from pydantic import ValidationError

from mf_nas_kd.spaces import SPACES, SpaceSettings
from tests.conftest import CHOICES


def settings_of(name, choices):
    return SpaceSettings.model_validate({"name": name, "choices": choices})


@pytest.mark.parametrize("name", SPACES)
def test_the_name_alone_chooses_the_space(name):
    assert settings_of(name, CHOICES).build().name == name


def test_other_spaces_need_no_choices():
    assert settings_of("mobilenet_v2", {"mobilenet_v2": CHOICES["mobilenet_v2"]}).build().size == 48


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("resnet", CHOICES, "space.name is 'resnet', but must be one of: mobilenet_v2, nas_bench_201, shufflenet_v2"),
        ("mobilenet_v2", {**CHOICES, "resnet": {}}, "space.choices is 'resnet', but must be one of: mobilenet_v2"),
        (
            "shufflenet_v2",
            {"mobilenet_v2": CHOICES["mobilenet_v2"]},
            "space.name without space.choices is 'shufflenet_v2', but must be one of: mobilenet_v2",
        ),
        (
            "mobilenet_v2",
            {**CHOICES, "shufflenet_v2": {**CHOICES["shufflenet_v2"], "head": [2, 1]}},
            r"choices\.shufflenet_v2\.head\n.*must be ascending",
        ),
    ],
)
def test_wrong_settings_are_refused(name, choices, message):
    with pytest.raises(ValidationError, match=message):
        settings_of(name, choices)
