from mf_nas_kd.datasets import FolderDataset


def test_a_folder_has_its_whole_name_for_workers_that_were_started_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert FolderDataset(folder="targets").load() == tmp_path / "targets"
