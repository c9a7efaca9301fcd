import sqlite3
from dataclasses import replace

import pytest

from mf_nas_kd.devices.measurement import MeasuredGraph
from mf_nas_kd.errors import StoreError
from mf_nas_kd.records import DeviceCosts, Evaluation, Metrics
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.device_costs import costs_of_device
from tests.fakes import FakeEvaluator


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/deep/folder/store.db"


@pytest.fixture
def evaluation(architectures, short):
    return FakeEvaluator().evaluate(architectures[0], short, 0)


def test_records_come_back_as_they_went(any_url, evaluation, architectures, short):
    failed = FakeEvaluator().failure(architectures[1], short, 0, "it's\nbroken; DROP TABLE evaluations" + 5000 * "!")
    store = EvaluationStore(any_url)
    store.append(evaluation)
    store.append(failed)
    again = EvaluationStore(any_url)
    assert again.find([evaluation.key, "unknown"]) == {evaluation.key: evaluation}
    assert records_of(again.table([evaluation.key, failed.key]), Evaluation) == [evaluation, failed]
    assert set(again.table()["key"]) >= {evaluation.key, failed.key}


def test_the_newest_record_of_a_key_counts_and_none_is_removed(url, evaluation, tmp_path):
    store = EvaluationStore(url)
    store.append(replace(evaluation, status="failed", metrics=Metrics(), error="x"))
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


def test_a_server_that_is_not_there_is_one_error(monkeypatch):
    monkeypatch.setattr("mf_nas_kd.store.retries.CONNECT_SECONDS", 0.2)
    with pytest.raises(StoreError, match="cannot use the evaluation store postgresql") as refused:
        EvaluationStore("postgresql+psycopg://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(refused.value)


def test_a_driver_that_is_not_installed_is_one_error():
    with pytest.raises(StoreError, match="mysql.*needs a driver that is not installed: No module named 'MySQLdb'"):
        EvaluationStore("mysql://nobody@127.0.0.1/none")


@pytest.mark.parametrize(
    "url", ["no address", "foo://user:secret@host/x", "sqlite:////proc/none/store.db", "", "sqlite:////proc"]
)
def test_an_address_that_cannot_be_used_is_one_error(url):
    with pytest.raises(StoreError, match="cannot use the evaluation store") as refused:
        EvaluationStore(url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_finished_study_of_somebody_else_is_read(url, evaluation, tmp_path):
    EvaluationStore(url).append(evaluation)
    (tmp_path / "deep/folder/store.db").chmod(0o444)
    assert EvaluationStore(url).find([evaluation.key]) == {evaluation.key: evaluation}


def test_a_password_is_never_shown(url):
    store = EvaluationStore(url)
    store._url = store._url.set(drivername="postgresql", host="h", username="u", password="secret")
    assert "secret" not in str(store)


def test_a_store_can_be_in_memory(evaluation):
    store = EvaluationStore("sqlite://")
    store.append(evaluation)
    assert store.find([evaluation.key]) == {evaluation.key: evaluation}


def test_what_the_database_refuses_is_one_error(url, evaluation, tmp_path):
    store = EvaluationStore(url)
    with sqlite3.connect(tmp_path / "deep/folder/store.db") as connection:
        connection.execute("drop table evaluations")
    with pytest.raises(StoreError, match="refused a record: no such table: evaluations"):
        store.append(evaluation)
    with pytest.raises(StoreError, match="cannot be read: no such table: evaluations"):
        store.find([evaluation.key])


def test_a_large_file_is_not_read_through_and_damage_in_it_is_met_when_it_is_read(
    url, evaluation, tmp_path, monkeypatch
):
    store = EvaluationStore(url)
    for number in range(200):
        store.append(replace(evaluation, key=str(number)))
    path = tmp_path / "deep/folder/store.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096 * 3] = b"\xff" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged|malformed"):
        EvaluationStore(url)
    monkeypatch.setattr("mf_nas_kd.store.evaluation_store._CHECKED_BYTES", 0)
    with pytest.raises(StoreError, match="cannot be read"):
        EvaluationStore(url).table()


def test_keys_are_known_without_reading_their_records(any_url, evaluation, monkeypatch):
    store = EvaluationStore(any_url)
    store.append(evaluation)
    store.append(evaluation)
    monkeypatch.setattr(Evaluation, "from_row", None)
    assert store.known([evaluation.key, "unknown"]) == {evaluation.key}
    assert store.known([]) == set()


def test_the_evaluations_of_a_study_are_those_on_its_images_and_with_its_teachers(url, evaluation):
    store = EvaluationStore(url)
    planned = [replace(evaluation, key="none"), replace(evaluation, key="kd", teacher_fingerprint="t")]
    searched = replace(evaluation, key="searched", teacher_fingerprint="t")
    foreign = [
        replace(evaluation, key="images", dataset_fingerprint="other"),
        replace(evaluation, key="teacher", teacher_fingerprint="other"),
    ]
    for record in (*planned, searched, *foreign):
        store.append(record)
    assert store.of_study(["none", "kd", "unknown"]) == [*planned, searched]


def test_costs_on_devices_come_back_as_they_went_and_the_newest_counts(any_url, architectures):
    costs = DeviceCosts(
        architecture=architectures[0],
        image_shape=(3, 32, 32),
        classes=10,
        precision="float32",
        device_name="a telephone",
        runtime="onnxruntime 1",
        threads=1,
        latency_ms=1.5,
        latency_low_ms=1.25,
        latency_high_ms=2.0,
        activation_kib=10.5,
        model_kib=20.25,
        code_version="0",
        measured_at="2026-01-01T00:00:00+00:00",
    )
    store, faster = EvaluationStore(any_url), replace(costs, latency_ms=1.4)
    for each in (costs, replace(costs, classes=2), faster):
        store.append(each)
    table = EvaluationStore(any_url).device_costs()
    assert records_of(table.tail(3), DeviceCosts) == [costs, replace(costs, classes=2), faster]
    graph = MeasuredGraph(10, (3, 32, 32), "float32")
    assert costs_of_device(table, graph, "a telephone") == {architectures[0].id: faster}
    assert costs_of_device(table, graph, "another") == costs_of_device(table, graph, "this") == {}
