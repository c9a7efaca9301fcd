"""Claims on SQLite and on a real PostgreSQL server."""

import subprocess
import sys
import textwrap
import threading
import time
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mf_nas_kd.errors import StoreError
from mf_nas_kd.store import EvaluationStore


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def keys():
    """The server keeps those of other tests."""
    return [uuid4().hex for _ in range(3)]


def test_a_key_is_claimed_once(url, keys):
    one, other = EvaluationStore(url), EvaluationStore(url)
    assert one.claim(keys[:2], "a", 60) == set(keys[:2])
    assert other.claim(keys, "b", 60) == {keys[2]}
    assert one.claim(keys, "a", 60) == set(keys[:2])


def test_an_expired_claim_is_anybodys(url, keys):
    store = EvaluationStore(url)
    store.claim(keys, "dead", -1)
    assert store.claim(keys[:1], "a", 60) == {keys[0]}
    store.renew("dead", 60)
    assert store.claim(keys, "b", 60) == set()
    assert store.claim(keys, "dead", 60) == set(keys[1:])


def test_a_claim_expires_by_itself_unless_it_is_renewed(url, keys):
    store = EvaluationStore(url)
    store.claim(keys[:1], "a", 0.5)
    store.claim(keys[1:], "b", 0.5)
    store.renew("b", 600)
    time.sleep(1)
    assert store.claim(keys, "c", 60) == {keys[0]}


def test_released_keys_are_free_and_those_of_others_are_not(url, keys):
    store = EvaluationStore(url)
    store.claim(keys[:2], "a", 60)
    store.claim(keys[2:], "b", 60)
    store.release("a", [keys[0], keys[2]])
    assert store.claim(keys, "c", 60) == {keys[0]}
    store.release("a")
    assert store.claim(keys, "c", 60) == set(keys[:2])


def test_more_keys_than_a_query_takes_and_keys_named_twice(url):
    many, store = [uuid4().hex for _ in range(1200)], EvaluationStore(url)
    assert store.claim(many + many[:600], "a", 60) == set(many)
    assert store.claim(many, "b", 60) == set()
    store.release("a", many[100:])
    assert store.claim(many, "b", 60) == set(many[100:])


def test_no_keys_are_no_claims(url):
    store = EvaluationStore(url)
    assert store.claim([], "a", 60) == set()
    store.release("nobody", [])


def test_claims_that_cannot_be_made_are_one_error(tmp_path):
    store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE claims")
    for call in (lambda: store.claim(["k"], "a", 1), lambda: store.renew("a", 1), lambda: store.release("a")):
        with pytest.raises(StoreError, match="refused claims: no such table: claims"):
            call()


def test_a_store_in_memory_is_the_same_for_all_threads():
    store, found = EvaluationStore("sqlite://"), []
    store.claim(["k"], "a", 60)
    thread = threading.Thread(target=lambda: found.append(store.claim(["k", "l"], "b", 60)))
    thread.start()
    thread.join()
    assert found == [{"l"}]


def test_processes_that_claim_at_the_same_time_never_hold_one_key_together(url):
    """Every process wants every key, in an order of its own, and renews while the others claim."""
    keys = [uuid4().hex for _ in range(60)]
    code = f"""
        import random, sys
        from mf_nas_kd.store import EvaluationStore
        store, owner, keys = EvaluationStore("{url}"), sys.argv[1], {keys}
        random.Random(owner).shuffle(keys)
        print("ready", flush=True)
        sys.stdin.readline()
        for start in range(0, len(keys), 3):
            print(*store.claim(keys[start : start + 3], owner, 600))
            store.renew(owner, 600)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, f"{number} {uuid4()}"], **pipes) for number in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=300) for process in processes]
    assert all(process.returncode == 0 for process in processes), [err[-500:] for _, err in ended]
    held = [key for out, _ in ended for key in out.split()]
    assert sorted(held) == sorted(keys)


class Claims(RuleBasedStateMachine):
    """Claims against a dictionary; a claim of -1000 seconds has expired."""

    url: str
    KEYS = st.lists(st.integers(0, 4), max_size=4)
    OWNERS = st.sampled_from("ab")
    SECONDS = st.sampled_from([1000, -1000])

    @initialize()
    def begin(self):
        self.store, self.name, self.model = EvaluationStore(self.url), uuid4().hex, {}

    @rule(keys=KEYS, owner=OWNERS, seconds=SECONDS)
    def claim(self, keys, owner, seconds):
        got = self.store.claim([f"{self.name} {key}" for key in keys], owner + self.name, seconds)
        wanted = {key for key in keys if key not in self.model or self.model[key][0] == owner or self.model[key][1] < 0}
        self.model |= dict.fromkeys(wanted, (owner, seconds))
        assert got == {f"{self.name} {key}" for key in wanted}

    @rule(owner=OWNERS, seconds=SECONDS)
    def renew(self, owner, seconds):
        self.store.renew(owner + self.name, seconds)
        self.model |= {key: (owner, seconds) for key, (holder, _) in self.model.items() if holder == owner}

    @rule(owner=OWNERS, keys=KEYS | st.none())
    def release(self, owner, keys):
        self.store.release(owner + self.name, keys and [f"{self.name} {key}" for key in keys])
        gone = [key for key, (holder, _) in self.model.items() if holder == owner and (keys is None or key in keys)]
        for key in gone:
            del self.model[key]


def test_claims_are_those_of_a_dictionary(url):
    machine = type("Here", (Claims,), {"url": url})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=15, deadline=None))
