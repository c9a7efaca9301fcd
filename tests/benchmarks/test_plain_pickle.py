import collections
import io
import os
import pickle
import struct

import numpy as np
import pytest

from mf_nas_kd.benchmarks.plain_pickle import plain_value
from mf_nas_kd.errors import BenchmarkFileError

VALUE = {"a": [1, 2.5, None, True], 27: ("x", {0: "ü"})}


class Malicious:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


class Persistent(pickle.Pickler):
    def persistent_id(self, value):
        return "somewhere else" if value == 2.5 else None


def refused(content, message):
    with pytest.raises(BenchmarkFileError, match=message) as failure:
        plain_value(content, "memory://folder/file.pickle")
    assert "memory://folder/file.pickle is damaged, or not a file of the benchmark" in str(failure.value)
    assert "allowed is a pickle of dictionaries, lists, texts and numbers" in str(failure.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_read(protocol):
    assert plain_value(pickle.dumps(VALUE, protocol), "file") == VALUE


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_run(protocol, tmp_path):
    marker = tmp_path / "was run"
    content = pickle.dumps({"nokd": Malicious(marker)}, protocol)
    refused(content, r"it refers to (posix|nt|os)\.mkdir")
    assert not marker.exists()
    pickle.loads(content)
    assert marker.exists(), "the file would have run it"


@pytest.mark.parametrize("value", [np.float64(0.5), np.zeros(2), collections.OrderedDict(), len, {1, 2}, b"bytes", 2j])
def test_other_values_are_refused(value):
    refused(pickle.dumps({"a": value}), r"it refers to |it holds a value of the type (set|bytes)")


def test_persistent_values_are_refused():
    file = io.BytesIO()
    Persistent(file).dump(VALUE)
    refused(file.getvalue(), "it refers to an object outside of the file")


def test_every_truncated_file_is_refused():
    content = pickle.dumps(VALUE)
    for length in range(len(content)):
        refused(content[:length], "damaged")


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html>404</html>", b"\x80\x04.", b"\x89PNG\r\n", b"\xff" * 99]
)
def test_what_is_no_pickle_is_refused(content):
    refused(content, "damaged")


def test_damaged_bytes_are_refused_or_give_plain_values():
    content = pickle.dumps(VALUE)
    rng = np.random.default_rng(0)
    refusals = 0
    for _ in range(2000):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=2):
            damaged[place] = rng.integers(256)
        try:
            plain_value(bytes(damaged), "file")
        except BenchmarkFileError:
            refusals += 1
    assert refusals > 1000


def test_a_small_file_cannot_ask_for_a_large_memory():
    refused(b"\x80\x02}r" + struct.pack("<I", 2**31) + b".", "it demands a memo of 2147483648 values in 9 bytes")


def test_a_value_that_multiplies_itself_is_refused():
    value = ["bomb"]
    for _ in range(12):
        value = [value] * 12
    refused(pickle.dumps({"cifar100": value}), "it holds more values than bytes")
    endless = []
    endless.append(endless)
    refused(pickle.dumps(endless), "it holds more values than bytes")
