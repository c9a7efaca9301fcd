"""A study in a folder whose name means something else in URLs and patterns."""

from tests.pipelines.running import catalog, run


def test_two_runs_in_an_odd_folder_use_the_same_files(tmp_path, monkeypatch):
    folder = tmp_path / "a%41 [1]?#*"
    run(folder, "data")
    monkeypatch.chdir(tmp_path)
    run(folder, "teacher")
    run(folder, "teacher")
    assert len(catalog(folder).get("teacher").list_versions()) == 2
    assert catalog(folder).load("images").collection.path.parent == folder / "1_images"
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
