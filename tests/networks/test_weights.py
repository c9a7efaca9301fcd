"""Weights from files: what fits is loaded, and the first thing that does not is named."""

import os
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from mf_nas_kd.errors import InvalidValueError, MissingWeightsError, ShapeMismatchError
from mf_nas_kd.networks import build_teacher
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.networks.weights import LARGEST_PICKLE_BYTES, load_weights
from tests.conftest import STUDY_INPUT

OPTIONS = {"stem": 4, "stages": [4, 8], "blocks": 1}
SHAPE = (1, 8, 8)


def build(seed=0, classes=10, builder="residual", options=OPTIONS, shape=SHAPE):
    with torch_seeded(seed, "test"):
        return build_teacher(builder, options, classes, shape)


def same(first, second):
    return all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize(
    "form",
    ["safetensors", "bare", "state_dict", "model", "parallel", "without counters", "legacy", "checkpoint", "double"],
)
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
    elif form == "legacy":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif form == "checkpoint":
        optimiser = torch.optim.Adam(source.parameters())
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, [1, 2])
        states = {"optimizer": optimiser.state_dict(), "scheduler": scheduler.state_dict()}
        torch.save({"state_dict": state, **states, "seed": 2**64, "betas": (0.9, 0.999)}, path)
    elif form == "double":
        torch.save({name: value.double() for name, value in state.items()}, path)
    elif form == "without counters":
        torch.save({name: value for name, value in state.items() if "num_batches" not in name}, path)
    else:
        torch.save(state, path)
    load_weights(network, path, SHAPE)
    assert same(source, network)


def test_a_network_of_torchvision_takes_torchvision_s_own_names(tmp_path):
    options = {"model": "resnet18", "small_image_stem": False, "arguments": {}, **STUDY_INPUT}
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


def refused(path, reason):
    with pytest.raises(MissingWeightsError, match=f"no weights can be read from .*{reason}") as failure:
        load_weights(build(), path, SHAPE)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_of_a_training_that_diverged_are_refused_by_name(tmp_path, value, suffix):
    state, path = build(seed=1).state_dict(), tmp_path / f"w{suffix}"
    state["classifier.weight"][3, 1] = value
    torch.save(state, path) if suffix == ".pt" else save_file(state, path)
    network = build()
    with pytest.raises(
        InvalidValueError, match=r"layer 'classifier.weight' in .* that are not finite is 1, but must be 0"
    ):
        load_weights(network, path, SHAPE)
    assert same(network, build())


def test_weights_that_are_too_large_for_their_precision_are_refused(tmp_path):
    state = {name: value.double() for name, value in build().state_dict().items()}
    state["classifier.bias"][0] = 1e300
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(InvalidValueError, match=r"layer 'classifier.bias' .* that are not finite is 1"):
        load_weights(build(), tmp_path / "w.pt", SHAPE)


@pytest.mark.parametrize(
    "change",
    [
        {"classifier.bias": torch.zeros(10).to_sparse()},
        {"classifier.bias": torch.zeros(10, device="meta")},
        {"classifier.weight": torch.zeros(10, 8).to_sparse_csr()},
        {"classifier.bias": torch.zeros(10, dtype=torch.complex64)},
        {7: torch.zeros(10)},
        {None: torch.zeros(10)},
        {("classifier", "bias"): torch.zeros(10)},
        {"classifier.bias": 0.5},
        {"classifier.bias": {"deeper": torch.zeros(10)}},
        {"classifier.bias": torch.quantize_per_tensor(torch.zeros(10), 0.1, 0, torch.qint8)},
    ],
    ids=["sparse", "meta", "csr", "complex", "number", "none", "tuple", "value", "nested", "quantised"],
)
def test_what_is_no_dense_tensor_by_name_is_one_error(tmp_path, change):
    torch.save({**build().state_dict(), **change}, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "")


def test_a_declared_shape_allocates_nothing(tmp_path):
    torch.save({**build().state_dict(), "classifier.bias": torch.zeros(1).expand(10**12)}, tmp_path / "w.pt")
    with pytest.raises(ShapeMismatchError, match="'classifier.bias' .* is \\(1000000000000,\\)"):
        load_weights(build(), tmp_path / "w.pt", SHAPE)


def test_an_archive_of_compressed_or_repeated_parts_is_refused(tmp_path):
    torch.save(build().state_dict(), tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content + bytes(2**24 if name.endswith("data/0") else 0))
    refused(tmp_path / "bomb.pt", "compressed, overlap or repeat")


def archive_of(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", pickled), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", content)
    return path


DEEP = b"\x80\x02}" + b")" + b"\x85" * 400_000 + b"K\x01s."
WIDE = b"\x80\x02})" + b"".join(b"q%bh%b\x86" % (bytes([i]), bytes([i])) for i in range(40)) + b"K\x01s."
ALLOCATING = b"\x80\x02}U\x01ac__builtin__\nbytearray\n\x8a\x05" + (10**11).to_bytes(5, "little") + b"\x85Rs."


@pytest.mark.parametrize("pickled", [DEEP, WIDE, ALLOCATING, b"\x80\x02" + b"]" * 2_000_000 + b"."])
def test_a_pickle_that_does_harm_is_refused_before_it_is_read(tmp_path, pickled):
    refused(archive_of(tmp_path / "w.pt", pickled), "it (has|refers to)")
    (tmp_path / "legacy.pt").write_bytes(pickled)
    refused(tmp_path / "legacy.pt", "")


def test_a_header_of_any_declared_length_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    refused(tmp_path / "w.safetensors", "its header would have")


def test_a_file_far_larger_than_the_network_is_refused(tmp_path):
    for name in ("w.pt", "w.safetensors"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2 * LARGEST_PICKLE_BYTES)
        refused(tmp_path / name, "but must have at most")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_what_is_no_file_is_one_error(tmp_path, suffix):
    os.mkfifo(tmp_path / f"pipe{suffix}")
    refused(tmp_path / f"pipe{suffix}", "it is a named pipe, not a file")
    (tmp_path / f"folder{suffix}").mkdir()
    refused(tmp_path / f"folder{suffix}", "it is a folder, not a file")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    refused(tmp_path / f"zero{suffix}", "it is a device, not a file")


@pytest.mark.parametrize(
    "description", ["[" * 100_000, '{"classes": 1e999}', "NaN", "7", "\ud800".encode("unicode_escape").decode()]
)
def test_a_hostile_description_is_that_of_another_program(tmp_path, description):
    source, network = build(seed=1), build()
    save_file(source.state_dict(), tmp_path / "w.safetensors", metadata={"description": description})
    assert load_weights(network, tmp_path / "w.safetensors", SHAPE) == ("",)
    assert same(source, network)


def test_other_objects_in_a_pickle_are_refused(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": 1j}))
    refused(tmp_path / "w.pt", "")
