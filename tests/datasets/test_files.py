"""A folder is there whole, or not at all."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from kedro.io import DatasetError, Version

from mf_nas_kd.datasets import FilesDataset

FILES = {"weights.bin": b"\x00\xff", "README.md": "größer".encode(), "empty": b"", "a $name<>|.csv": b"1,2\n"}


@pytest.fixture(params=[None, "2026-01-01T00.00.00.000Z"], ids=["plain", "versioned"])
def version(request):
    return request.param and Version(None, request.param)


def names_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_loaded_is_what_was_saved(version, tmp_path):
    dataset = FilesDataset(filepath=str(tmp_path / "deep" / "network"), version=version)
    assert not dataset.exists()
    dataset.save(FILES)
    assert dataset.exists()
    assert dataset.load() == FILES
    assert names_below(tmp_path) == sorted(FILES)
    again = FilesDataset(filepath=str(tmp_path / "deep" / "network"), version=version and Version(None, None))
    assert again.load() == FILES, "in a later run"


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    dataset = FilesDataset(filepath=str(tmp_path / "network"))
    dataset.save(FILES)
    dataset.save({"other": b"1"})
    assert dataset.load() == {"other": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["network"]


def test_what_a_person_adds_as_a_folder_is_left_aside(tmp_path):
    dataset = FilesDataset(filepath=str(tmp_path / "network"))
    dataset.save(FILES)
    (tmp_path / "network" / "mine").mkdir()
    assert FilesDataset(filepath=str(tmp_path / "network")).load() == FILES


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../out", "/etc/out", "in/side", "C:\\out", "a\0b", "x" * 256, "é" * 128, "a\udcff"]
)
def test_names_that_leave_the_folder_are_refused(name, tmp_path):
    dataset = FilesDataset(filepath=str(tmp_path / "network"))
    with pytest.raises(DatasetError, match="name of a file is .*, but must be a name of 1 to 255 bytes"):
        dataset.save({"good": b"1", name: b"2"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", range(1, len(FILES) + 2))
def test_a_save_that_fails_leaves_what_was_there(call, version, tmp_path, monkeypatch):
    path, calls = tmp_path / "network", []
    if version is None:
        FilesDataset(filepath=str(path)).save({"old": b"1"})
    dataset = FilesDataset(filepath=str(path), version=version)

    def fail(_):
        calls.append(1)
        if len(calls) == call:
            raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(FILES)
    assert len(calls) == call
    assert names_below(tmp_path) == ([] if version else ["old"])


@pytest.mark.parametrize("call", [1, len(FILES) + 1])
def test_a_process_killed_in_mid_save_leaves_no_newest_version(call, tmp_path):
    path = tmp_path / "network"
    code = f"""
        import os, signal
        from kedro.io import Version
        from mf_nas_kd.datasets import FilesDataset
        calls = []
        def die(_):
            calls.append(1)
            if len(calls) == {call}:
                os.kill(os.getpid(), signal.SIGKILL)
        os.fsync = die
        FilesDataset(filepath={str(path)!r}, version=Version(None, "2027")).save({FILES!r})
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert names_below(tmp_path), "it died while it wrote"
    dataset = FilesDataset(filepath=str(path), version=Version(None, "2026"))
    assert not dataset.exists()
    dataset.save(FILES)
    assert FilesDataset(filepath=str(path), version=Version(None, None)).load() == FILES


def test_a_process_killed_between_the_renamings_leaves_no_part_of_a_folder(tmp_path):
    path = tmp_path / "network"
    FilesDataset(filepath=str(path)).save({"old": b"1"})
    code = f"""
        import os, signal
        from pathlib import Path
        from mf_nas_kd.datasets import FilesDataset
        replace = Path.replace
        def dying(self, target):
            if Path(target) == Path({str(path)!r}):
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(self, target)
        Path.replace = dying
        FilesDataset(filepath={str(path)!r}).save({FILES!r})
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(DatasetError, match="network is not there: run the pipeline that saves it"):
        FilesDataset(filepath=str(path)).load()
    FilesDataset(filepath=str(path)).save(FILES)
    assert FilesDataset(filepath=str(path)).load() == FILES


def test_a_run_loads_its_own_version_although_another_run_saved_a_newer_one(tmp_path):
    mine, others = (FilesDataset(filepath=str(tmp_path / "n"), version=Version(None, v)) for v in ("2026-1", "2026-2"))
    mine.save(FILES)
    others.save({"other": b"1"})
    mine.release()
    assert mine.load() == FILES


def test_a_folder_without_versions_that_another_run_has_changed_meanwhile_is_an_error(tmp_path):
    mine, others = (FilesDataset(filepath=str(tmp_path / "n")) for _ in range(2))
    mine.save(FILES)
    others.save(FILES)
    assert mine.load() == FILES, "the same parameters give the same folder"
    others.save({**FILES, "empty": b"1"})
    with pytest.raises(DatasetError, match="was saved by another run meanwhile"):
        mine.load()
