import sqlite3
from dataclasses import replace

import pytest

from mf_nas_kd.errors import StoreError
from mf_nas_kd.evaluation import EvaluationStore
from mf_nas_kd.evaluation.plan import evaluations_of
from tests.evaluation.fakes import FakeEvaluator


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/deep/folder/store.db"


@pytest.fixture
def evaluation(architectures, short):
    return FakeEvaluator().evaluate(architectures[0], short, 0)


def test_a_record_comes_back_as_it_went(url, evaluation):
    EvaluationStore(url).append(evaluation)
    assert EvaluationStore(url).find([evaluation.key]) == {evaluation.key: evaluation}
    assert evaluations_of(EvaluationStore(url).table()) == [evaluation]


def test_a_failed_record_comes_back_as_it_went(url, architectures, short):
    failed = FakeEvaluator().failure(architectures[0], short, 0, "it's\nbroken; DROP TABLE evaluations")
    EvaluationStore(url).append(failed)
    assert EvaluationStore(url).find([failed.key, "unknown"]) == {failed.key: failed}
    assert evaluations_of(EvaluationStore(url).table()) == [failed]


def test_the_newest_record_of_a_key_counts_and_none_is_removed(url, evaluation, tmp_path):
    store = EvaluationStore(url)
    store.append(replace(evaluation, status="failed", val_accuracy=None, error="x"))
    store.append(evaluation)
    assert store.find([evaluation.key])[evaluation.key] == evaluation
    assert len(store.table()) == 1
    with sqlite3.connect(tmp_path / "deep/folder/store.db") as connection:
        assert connection.execute("select count(*) from evaluations").fetchone() == (2,)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "s.db").write_text("this is a letter to my aunt, who has asked for one for a long time" * 50)
    with pytest.raises(
        StoreError, match=r"cannot use the evaluation store sqlite:.*not a database.*move the file away"
    ):
        EvaluationStore(f"sqlite:///{tmp_path}/s.db")


def test_a_damaged_database_is_refused(url, evaluation, tmp_path):
    store = EvaluationStore(url)
    for number in range(200):
        store.append(replace(evaluation, key=str(number)))
    path = tmp_path / "deep/folder/store.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged|malformed"):
        EvaluationStore(url)


def test_a_database_of_something_else_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table invoices (id integer)")
    with pytest.raises(StoreError, match=r"holds other tables \(invoices\)"):
        EvaluationStore(f"sqlite:///{tmp_path}/s.db")


def test_a_store_of_another_version_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table evaluations (key text, speed float)")
    with pytest.raises(StoreError, match=r"from another version .*lacks \['architecture'.* and has \['speed'\]"):
        EvaluationStore(f"sqlite:///{tmp_path}/s.db")


def test_a_server_that_is_not_there_is_one_error():
    with pytest.raises((StoreError, ModuleNotFoundError)):
        EvaluationStore("postgresql://nobody:secret@127.0.0.1:1/none")


def test_a_password_is_never_shown(url):
    store = EvaluationStore(url)
    store._url = store._url.set(drivername="postgresql", host="h", username="u", password="secret")
    assert "secret" not in str(store)
