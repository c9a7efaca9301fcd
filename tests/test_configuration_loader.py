"""Files of the configuration are bounded before they are expanded."""

import os

import pytest

from mf_nas_kd.configuration import BoundedConfigLoader
from mf_nas_kd.errors import InvalidValueError


def load(folder, content, name="parameters.yml"):
    for environment in ("base", "local"):
        (folder / environment).mkdir(exist_ok=True)
    if content is not None:
        (folder / "local" / name).write_text(content)
    (folder / "base" / "parameters.yml").write_text("epochs: 3\n")
    return BoundedConfigLoader(str(folder), base_env="base", default_run_env="local")["parameters"]


def bomb(depth, width=10):
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "content",
    [
        bomb(9),
        bomb(40, 2),
        bomb(9).replace("[", "{k: [").replace("]", "]}"),
        "a: &a [1, *a]",
        "a: &a {b: *a}",
        "a: " + "[" * 50_000,
        "a: " + "[" * 5_000 + "]" * 5_000,
        "\n".join(f"{' ' * i}a{i}:" for i in range(1300)),
        "a: " + "x" * 2**21,
    ],
)
def test_a_file_that_grows_without_bound_is_one_error(tmp_path, content):
    with pytest.raises(InvalidValueError, match=r"a file of the configuration is '.*parameters.yml', but must be one"):
        load(tmp_path, content)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_every_kind_of_file_that_is_read_is_bounded(tmp_path, suffix):
    with pytest.raises(InvalidValueError, match=rf"is '.*parameters_more.{suffix}', but must be one"):
        load(tmp_path, bomb(9), f"parameters_more.{suffix}")


def test_a_named_pipe_is_one_error(tmp_path):
    load(tmp_path, "epochs: 4")
    os.remove(tmp_path / "local" / "parameters.yml")
    os.mkfifo(tmp_path / "local" / "parameters.yml")
    with pytest.raises(InvalidValueError, match="it is a named pipe, not a file"):
        load(tmp_path, None)


@pytest.mark.parametrize("content", ["epochs: 4", "a: &a [1, 2]\nb: *a\nepochs: 4", bomb(4) + "\nepochs: 4"])
def test_usual_files_and_few_aliases_are_read(tmp_path, content):
    assert load(tmp_path, content)["epochs"] == 4
