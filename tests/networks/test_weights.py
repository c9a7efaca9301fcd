"""Weights from files: what fits is loaded, and the first thing that does not is named."""

import pytest
import torch
from safetensors.torch import save_file

from mf_nas_kd.errors import InvalidValueError, MissingWeightsError, ShapeMismatchError
from mf_nas_kd.networks import build_teacher
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.weights import load_weights

OPTIONS = {"stem": 4, "stages": [4, 8], "blocks": 1}
SHAPE = (1, 8, 8)


def build(seed=0, classes=10, builder="residual", options=OPTIONS, shape=SHAPE):
    with torch_seeded(seed, "test"):
        return build_teacher(builder, options, classes, shape)


def same(first, second):
    return all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize("form", ["safetensors", "bare", "state_dict", "model", "parallel", "without counters"])
def test_weights_come_out_of_every_usual_file(tmp_path, form):
    source, network = build(seed=1), build()
    state = source.state_dict()
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        save_file(state, path)
    elif form in ("state_dict", "model"):
        torch.save({form: state, "epoch": 3}, path)
    elif form == "parallel":
        torch.save({f"module.{name}": value for name, value in state.items()}, path)
    elif form == "without counters":
        torch.save({name: value for name, value in state.items() if "num_batches" not in name}, path)
    else:
        torch.save(state, path)
    load_weights(network, path, SHAPE)
    assert same(source, network)


def test_a_network_of_torchvision_takes_torchvision_s_own_names(tmp_path):
    options = {"model": "resnet18", "small_image_stem": False, "arguments": {}}
    source, network = (build(seed, builder="torchvision", options=options, shape=(3, 32, 32)) for seed in (1, 0))
    torch.save(source.model.state_dict(), tmp_path / "resnet18.pth")
    load_weights(network, tmp_path / "resnet18.pth", (3, 32, 32))
    assert same(source, network)


def test_the_layer_that_does_not_fit_is_named(tmp_path):
    torch.save(build(classes=7).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        ShapeMismatchError, match=r"layer 'classifier.weight' in .*w.pt' is \(7, 8\), but must be \(10, 8\)"
    ):
        load_weights(build(), tmp_path / "w.pt", SHAPE)


def test_layers_that_lack_or_are_too_many_are_named(tmp_path):
    state = build().state_dict()
    torch.save({name: value for name, value in state.items() if name != "classifier.bias"}, tmp_path / "less.pt")
    torch.save({**state, "head.weight": torch.zeros(1)}, tmp_path / "more.pt")
    with pytest.raises(
        ShapeMismatchError, match=r"1 layers of the network that .*less.pt' lacks is \['classifier.bias'\], but"
    ):
        load_weights(build(), tmp_path / "less.pt", SHAPE)
    with pytest.raises(
        ShapeMismatchError, match=r"1 layers in .*more.pt' that the network lacks is \['head.weight'\], but"
    ):
        load_weights(build(), tmp_path / "more.pt", SHAPE)


def test_a_network_for_other_images_is_refused(tmp_path, teacher):
    tensors, header = teacher.to_tensors()
    save_file(tensors, tmp_path / "teacher.safetensors", metadata=header)
    options = teacher.description.fields
    with pytest.raises(
        InvalidValueError, match=r"image shape of the network in .* is \(1, 8, 8\), but must be \(1, 16, 16\)"
    ):
        load_weights(build(options=options), tmp_path / "teacher.safetensors", (1, 16, 16))
    network = build(options=options)
    load_weights(network, tmp_path / "teacher.safetensors", SHAPE)
    assert torch.equal(network.classifier.weight, teacher.weights["classifier.weight"])


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_file_is_executed(tmp_path, capsys):
    torch.save({"model": Malicious()}, tmp_path / "w.pt")
    with pytest.raises(MissingWeightsError, match="no weights can be read from"):
        load_weights(build(), tmp_path / "w.pt", SHAPE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [None, b"", b"something else"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_no_file_or_no_weights_is_one_error(tmp_path, content, suffix):
    path = tmp_path / f"w{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingWeightsError, match="no weights can be read from"):
        load_weights(build(), path, SHAPE)


@pytest.mark.parametrize("description", ["resnet18 of mine", '{"a": 1}'])
def test_a_description_of_another_program_does_not_matter(tmp_path, description):
    source, network = build(seed=1), build()
    save_file(source.state_dict(), tmp_path / "w.safetensors", metadata={"description": description})
    load_weights(network, tmp_path / "w.safetensors", SHAPE)
    assert same(source, network)
