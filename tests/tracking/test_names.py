from hypothesis import given
from hypothesis import strategies as st
from mlflow.store.artifact.artifact_repo import verify_artifact_path
from mlflow.utils import validation

from mf_nas_kd.tracking.names import safe_experiment, safe_key, safe_value

ANY = st.text(st.characters(codec=None, exclude_categories=()))
NAMES = ANY | st.text("a/. :%#\n\x00é\ud800", max_size=12) | st.text("a/", min_size=240, max_size=600)


@given(name=NAMES)
def test_every_name_is_taken(name):
    key = safe_key(name)
    validation._validate_metric_name(key)
    validation._validate_param_name(key)
    validation._validate_tag_name(key)
    verify_artifact_path(key)
    validation._validate_length_limit("key", validation.MAX_ENTITY_KEY_LENGTH, key)
    key.encode()
    validation._validate_experiment_name(safe_experiment(name))
    safe_experiment(name).encode()


@given(names=st.lists(NAMES, unique=True, max_size=6))
def test_different_names_stay_different(names):
    assert len({safe_key(name) for name in names}) == len(names)
    assert len({safe_experiment(name) for name in names}) == len(names)


@given(name=st.text("az_09.- é", min_size=1, max_size=250).filter(lambda name: name not in {".", ".."}))
def test_names_that_are_taken_stay(name):
    assert safe_key(name) == safe_key(safe_key(name)) == name


@given(value=ANY | st.text("x", min_size=5990, max_size=6100) | st.integers() | st.none())
def test_every_value_is_taken(value):
    text = safe_value(value)
    validation._validate_param("key", text)
    validation._validate_tag("key", text)
    assert "\x00" not in text
    text.encode()
