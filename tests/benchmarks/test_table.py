from dataclasses import replace

import pandas as pd
import pytest

from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.errors import InvalidValueError
from tests.published import write


@pytest.fixture
def table(tmp_path):
    return read_published(write(tmp_path))[0]


def test_what_every_candidate_must_have(table):
    full = table.at(table.searched)
    with pytest.raises(
        InvalidValueError, match="candidates with val_accuracy at all images, 100 epochs, none is 3, but must be all 4"
    ):
        replace(table, evaluations=table.evaluations.drop(index=full.index[0]))
    with pytest.raises(InvalidValueError, match="number of candidates is 5, but must be at least 1, all different"):
        replace(table, candidates=pd.concat([table.candidates, table.candidates.head(1)]))
    with pytest.raises(InvalidValueError, match="at one fidelity is 'more than one'"):
        replace(table, evaluations=pd.concat([table.evaluations, full.head(1)]))
