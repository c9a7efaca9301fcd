"""Stored targets come back as they were, or not at all."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.teacher.target_file import HEADER_BYTES, TargetFile

SHAPE = (3, 2)


@pytest.fixture
def file(tmp_path):
    return TargetFile(tmp_path / "targets", {"teacher": "t", "views": {"padding": 1}}, SHAPE)


def fill(file, pairs=(7, 3, 5), seed=0):
    targets = np.random.default_rng(seed).normal(size=(len(pairs), *SHAPE)).astype(np.float16)
    file.append(np.array(pairs), targets)
    return targets


def test_what_is_appended_comes_back_in_its_order(file):
    assert len(file.records()) == 0
    targets = np.concatenate([fill(file), fill(file, (1, 2), seed=1)])
    records = file.records()
    assert records["pair"].tolist() == [7, 3, 5, 1, 2]
    assert np.array_equal(records["target"], targets)
    assert file.path.stat().st_size == HEADER_BYTES + 5 * file.record_bytes


def test_what_differs_has_another_file(tmp_path, file):
    others = [
        TargetFile(tmp_path, {"teacher": "other", "views": {"padding": 1}}, SHAPE),
        TargetFile(tmp_path, {"teacher": "t", "views": {"padding": 2}}, SHAPE),
        TargetFile(tmp_path, {"teacher": "t", "views": {"padding": 1}}, (3, 3)),
    ]
    assert len({f.path.name for f in [file, *others]}) == 4


@pytest.mark.parametrize("where", ["pair", "checksum", "target"])
def test_a_damaged_record_is_found_and_left_out(file, caplog, where):
    targets = fill(file)
    offset = {"pair": 0, "checksum": 8, "target": 12}[where]
    with file.path.open("r+b") as raw:
        raw.seek(HEADER_BYTES + file.record_bytes + offset)
        byte = raw.read(1)
        raw.seek(-1, 1)
        raw.write(bytes([byte[0] ^ 1]))
    with caplog.at_level(logging.WARNING):
        file.mend()
    assert "2 of 3 records are used" in caplog.text
    assert file.records()["pair"].tolist() == [7, 5]
    assert np.array_equal(file.records()["target"], targets[[0, 2]])


def test_a_torn_end_is_ignored_and_removed(file):
    fill(file)
    with file.path.open("r+b") as raw:
        raw.truncate(HEADER_BYTES + 2 * file.record_bytes + 5)
    assert file.records()["pair"].tolist() == [7, 3]
    file.mend()
    assert file.path.stat().st_size == HEADER_BYTES + 2 * file.record_bytes
    fill(file, (9,))
    assert file.records()["pair"].tolist() == [7, 3, 9]


def test_what_is_appended_behind_the_torn_end_of_another_process_is_not_lost(file):
    fill(file)
    with file.path.open("r+b") as raw:
        raw.truncate(HEADER_BYTES + 2 * file.record_bytes + 5)
    targets = fill(file, (9, 1), seed=1)
    assert file.records()["pair"].tolist() == [7, 3, 9, 1]
    assert np.array_equal(file.records()["target"][2:], targets)
    assert file.are_whole(file.records()).all()


@pytest.mark.parametrize("begun", [0, 16, 4095])
def test_a_header_that_was_cut_off_is_written_anew(tmp_path, begun):
    file = TargetFile(tmp_path, {"teacher": "t"}, (10,))  # 32 bytes a record: no length of a file is odd
    fill_header = file._packed_header()
    file.path.write_bytes(fill_header[:begun])
    targets = np.ones((2, 10), np.float16)
    file.append(np.array([4, 2]), targets)
    assert file.records()["pair"].tolist() == [4, 2]


def test_a_file_of_something_else_under_this_name_is_never_used(tmp_path, file):
    """Renamed, or with the header of this one: the checksums know better."""
    other = TargetFile(tmp_path, {"teacher": "other", "views": {"padding": 1}}, SHAPE)
    fill(other)
    file.path.parent.mkdir()
    content = other.path.read_bytes()
    file.path.write_bytes(content)
    assert len(file.records()) == 0
    fill_header = TargetFile(tmp_path / "elsewhere", {"teacher": "t", "views": {"padding": 1}}, SHAPE)
    fill(fill_header)
    file.path.write_bytes(fill_header.path.read_bytes()[:HEADER_BYTES] + content[HEADER_BYTES:])
    file.mend()
    assert len(file.records()) == 0


@pytest.mark.parametrize("content", [b"", b"no header", b" " * 5000])
def test_a_file_of_nonsense_is_begun_anew(file, content):
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    file.mend()
    targets = fill(file)
    assert np.array_equal(file.records()["target"], targets)


def test_a_whole_file_is_left_alone(file, caplog):
    fill(file)
    before = file.path.stat()
    file.mend()
    assert file.path.stat().st_ino == before.st_ino
    assert not caplog.text


def _damaged(content, cut, flips):
    """The bytes up to ``cut``, with some of them changed; and up to where each byte is as it was."""
    damaged = bytearray(content[:cut])
    for offset, mask in flips:
        if offset < len(damaged):
            damaged[offset] ^= mask
    return bytes(damaged)


# Most of the damage is done behind the header: in records, not in 4096 bytes of text and spaces.
LENGTH = HEADER_BYTES + 6 * 24
OFFSETS = st.integers(HEADER_BYTES, LENGTH - 1) | st.integers(0, LENGTH - 1)


@given(OFFSETS | st.just(LENGTH), st.lists(st.tuples(OFFSETS, st.integers(1, 255)), max_size=4))
def test_whatever_is_damaged_what_is_whole_is_kept_and_nothing_else(cut, flips):
    """Records are 24 bytes. A record is whole if all its bytes are there and as they were, and so is the header."""
    with tempfile.TemporaryDirectory() as folder:
        file = TargetFile(Path(folder), {"teacher": "t"}, SHAPE)
        assert file.record_bytes == 24
        targets = fill(file, range(6))
        content = file.path.read_bytes()
        damaged = _damaged(content, cut, flips)
        file.path.write_bytes(damaged)
        intact = damaged[:HEADER_BYTES] == content[:HEADER_BYTES]
        bounds = [(HEADER_BYTES + 24 * i, HEADER_BYTES + 24 * (i + 1)) for i in range(6)]
        whole = [i for i, (start, end) in enumerate(bounds) if intact and damaged[start:end] == content[start:end]]

        records = file.records()
        used = records[file.are_whole(records)]
        assert used["pair"].tolist() == whole, "before it is mended"
        file.mend()
        assert file.records()["pair"].tolist() == whole
        assert np.array_equal(file.records()["target"], targets[whole])

        more = fill(file, (10, 11), seed=1)
        assert file.records()["pair"].tolist() == [*whole, 10, 11]
        assert np.array_equal(file.records()["target"], np.concatenate([targets[whole], more]))
        assert file.are_whole(file.records()).all()
        assert file.path.stat().st_size == HEADER_BYTES + 24 * (len(whole) + 2)
