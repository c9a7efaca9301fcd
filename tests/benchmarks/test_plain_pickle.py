import collections
import contextlib
import io
import os
import pickle
import pickletools
import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


def doubled(times):
    """A tuple that holds itself twice, so many times: its hash visits 2**times values."""
    return b")" + b"".join(b"q%bh%b\x86" % (bytes([i]), bytes([i])) for i in range(times))


COLLIDING = b"".join(b"\x8a\x0c" + (i * (2**61 - 1)).to_bytes(12, "little") + b"N" for i in range(200_000))

HARMFUL = {
    "a key nested deeply": b"\x80\x02}" + b")" + b"\x85" * 900_000 + b"K\x01s.",
    "a key that doubles itself": b"\x80\x02}" + doubled(40) + b"K\x01s.",
    "a copy of the top that doubles": b"\x80\x02})" + b"2\x86" * 40 + b"K\x01s.",
    "an element of a set that doubles": b"\x80\x04\x8f(" + doubled(40) + b"\x90.",
    "keys with one hash": b"\x80\x02}(" + COLLIDING + b"u.",
    "lists without end": b"\x80\x02(" + b"]" * 15_000_000 + b"l.",
    "dictionaries without end": b"\x80\x02(" + b"}" * 15_000_000 + b"l.",
    "nested lists": b"\x80\x02" + b"]" * 400_000 + b"a" * 399_999 + b".",
    "nested dictionaries": b"\x80\x02" + b"}K\x01" * 300_000 + b"N" + b"s" * 300_000 + b".",
    "a memo without end": b"\x80\x04]" + b"\x94" * 15_000_000 + b".",
    "bytes of a declared size": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".",
    "a byte array of a declared size": b"\x80\x05\x96" + struct.pack("<Q", 2**33) + b".",
    "a text of a declared size": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b".",
    "a frame of a declared size": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "a number of a declared size": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "a number of many digits": b"L" + b"9" * 10_000_000 + b"L\n.",
    "marks without end": b"\x80\x02" + b"(" * 15_000_000 + b".",
    "a long text": b"\x80\x02X" + struct.pack("<I", 10**7) + b"a" * 10**7 + b".",
    "a lone surrogate": b"\x80\x02X\x03\x00\x00\x00\xed\xa0\x80.",
    "line breaks in a name": pickle.dumps({"a\nb": 1}),
}

ONE_GIB = 2**30


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (2 * ONE_GIB, 2 * ONE_GIB))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


READ = """
import re, sys
from mf_nas_kd.benchmarks.plain_pickle import plain_value
from mf_nas_kd.errors import BenchmarkFileError
try:
    plain_value(open(sys.argv[1], "rb").read(), "file")
except BenchmarkFileError as failure:
    assert len(str(failure)) < 2000 and str(failure).isprintable(), str(failure)
    # Peak memory of this program; that of getrusage includes what the test's own process had when it started this one.
    print("refused", 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]))
"""


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_pickle_is_refused_in_bounded_time_and_memory(tmp_path, name):
    """In a process of its own, which may crash."""
    (tmp_path / "file.pickle").write_bytes(HARMFUL[name])
    command = [sys.executable, "-c", READ, tmp_path / "file.pickle"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    word, peak = done.stdout.split()
    assert word == "refused"
    assert int(peak) < ONE_GIB


OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
ARGUMENTS = st.binary(max_size=9) | st.sampled_from(
    [b"\x00", b"\x01", b"1\n", b"a\nb\n", b"\xff" * 8, b"\x01\x00\x00\x00a"]
)
PROGRAMS = st.lists(st.tuples(st.sampled_from(OPCODES), st.just(b"") | ARGUMENTS).map(b"".join), max_size=40).map(
    lambda parts: b"".join(parts) + b"."
)


def read_or_refused(content):
    with contextlib.suppress(BenchmarkFileError):
        repr(plain_value(content, "file"))


@given(PROGRAMS)
@example(b"(K\x01K\x02d.")
@example(b"cos\nmkdir\n(U\x01atR.")
def test_any_sequence_of_opcodes_is_read_or_refused(content):
    read_or_refused(content)


@given(st.data(), st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_any_damage_is_read_or_refused(data, protocol):
    content = bytearray(pickle.dumps(VALUE, protocol))
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        content[place] = byte
    read_or_refused(bytes(content))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["kd", "ü", ""]),
        lambda inside: (
            st.lists(inside, max_size=4)
            | st.dictionaries(st.sampled_from(["a", 1, 10**30, 0.5, None]), inside, max_size=4)
            | st.tuples(inside, inside)
        ),
        max_leaves=10,
    ),
    st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_plain_values_of_any_form_are_read(value, protocol):
    assert plain_value(pickle.dumps(value, protocol), "file") == value
