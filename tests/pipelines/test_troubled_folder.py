"""A folder with everything wrong that people's folders have: a sound split, and a list of all that was found."""

import logging
import unicodedata

import pandas as pd
import pytest
from kedro.io import DatasetError

from mf_nas_kd.errors import MissingImagesError
from tests.pipelines.running import catalog, run
from tests.troubled_folder import CLASSES, UNREADABLE, make_troubled_folder

SKIP = {"source": "image_folder", "on_unreadable": "skip"}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("troubled")
    groups, planted = make_troubled_folder(folder / "images")
    return folder, groups, planted


@pytest.fixture(scope="module")
def read(troubled):
    """What the data pipeline has left, and its log."""
    folder, groups, _ = troubled
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("mf_nas_kd").addHandler(handler)
    images = SKIP | {"group": {"csv": str(groups)}}
    run(folder / "study", "data", "image_folder", images_dir=str(folder / "images"), images=images)
    logging.getLogger("mf_nas_kd").removeHandler(handler)
    return catalog(folder / "study", "image_folder"), [record.getMessage() for record in records]


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_lost(troubled):
    folder, _, _ = troubled
    with pytest.raises((MissingImagesError, DatasetError), match=rf"1 of \d+ images cannot be read: {UNREADABLE}"):
        run(folder / "refused", "data", "image_folder", images_dir=str(folder / "images"))
    listed = pd.read_csv(folder / "refused" / "1_images" / "unreadable.csv")
    assert listed["file"].tolist() == [UNREADABLE]


def test_every_file_counts_once_and_in_the_class_of_its_folder(read):
    entries, log = read
    counts = entries.load("class_counts").set_index("class")
    totals = counts[["train", "validation", "test"]].sum(axis=1)
    extra = {"flor": 1, "café": 4, "tejado": 1}  # a crop; three copies and the CMYK file; the 16-bit file
    written = {unicodedata.normalize("NFC", name): total for name, total in totals.items()}
    assert written == {name: count + extra[name] for name, count in CLASSES.items()}
    for left_aside in ("__MACOSX", "@eaDir", ".ipynb_checkpoints", "Thumbs.db", "again.png", "loop"):
        assert any(left_aside in line for line in log), left_aside


def test_planted_duplicates_are_told_by_their_kinds_and_are_on_one_side(read, troubled):
    entries, log = read
    table = entries.load("duplicates")
    found = {
        row.kind: frozenset(unicodedata.normalize("NFC", name) for name in (row.image, row.other))
        for row in table.itertuples()
    }
    planted = {
        kind: frozenset(unicodedata.normalize("NFC", name) for name in pair) for kind, pair in troubled[2].items()
    }
    assert found == planted
    assert (table["image_split"] == table["other_split"]).all()
    assert any("3 pairs have two labels" in line for line in log)


def test_no_group_is_torn(read, troubled):
    images = read[0].load("images")
    groups = pd.read_csv(troubled[1], index_col="file")["group"]
    split_of = {
        name: split
        for split, part in (("train", images.train), ("validation", images.validation), ("test", images.test))
        for name in part.names
    }
    splits = groups.to_frame().assign(split=[split_of[name] for name in groups.index])
    assert splits.groupby("group")["split"].nunique().max() == 1
    assert set(splits["split"]) == {"train", "validation", "test"}
