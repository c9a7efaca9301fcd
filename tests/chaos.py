"""Disturbs real runs of the study, and compares what they leave with an undisturbed one.

    python -m tests.chaos                          every disturbance once, with processes and dask: about 20 minutes
    python -m tests.chaos --only two_runs --times 5 --executors processes --stores sqlite postgresql

A run that ends is started again until it succeeds. Printed for each disturbance: how many runs were disturbed, how many
of them survived (went on to their end by themselves), and how many evaluations were lost (stored before, and gone or
different afterwards), made twice, or differ from those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil
from sqlalchemy import create_engine, text

from tests.postgresql import Server, programs

PROJECT = Path(__file__).resolve().parents[1]
SAME = ["key", "val_accuracy", "test_accuracy", "macs", "params", "status"]
PATIENCE = 1800
"""Seconds after which a run hangs: on a busy machine it takes minutes."""


@dataclass
class Run:
    """A ``kedro run`` of the evaluation stage in a process group of its own.

    Attributes:
        folder: Folder of the study, with images and teacher.
        executor: ``processes`` or ``dask``.
        url: The store.
        tracking: Address of MLflow.
    """

    folder: Path
    executor: str
    url: str
    tracking: str = ""
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, pipelines: str = "evaluation") -> Run:
        parameters = f"data_dir={self.folder},executor.kind={self.executor},executor.workers=2,store_url={self.url}"
        command = [sys.executable, "-m", "mf_nas_kd", "run", "--env=smoke", f"--pipelines={pipelines}"]
        tracking = self.tracking or f"sqlite:///{self.folder}/mlflow.db"
        environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking, "MLFLOW_ARTIFACT_LOCATION": f"{self.folder}/runs"}
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, f"--params={parameters}"],
                cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self

    def workers(self) -> list[psutil.Process]:
        """Processes that have begun to train: they have imported torch, and so hold much memory."""
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [each for each in children if _memory(each) > 150 * 2**20]
        return []

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1


def _memory(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0


@dataclass
class Trial:
    """One study that is disturbed."""

    run: Run
    server: Server | None
    random: random.Random

    def stored(self) -> pd.DataFrame:
        """All rows of the store; none where it does not answer, or is not there yet."""
        with contextlib.suppress(Exception):
            engine = create_engine(self.run.url)
            with engine.connect() as connection:
                return pd.read_sql(text("SELECT * FROM evaluations ORDER BY row_number"), connection)
        return pd.DataFrame(columns=SAME)

    def wait_for(self, rows: int) -> None:
        """Wait until so many evaluations are stored, or the run has ended."""
        until = time.monotonic() + PATIENCE
        while len(self.stored()) < rows and self.run.process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)

    def somewhere(self) -> None:
        """Wait until a random moment while evaluations are made."""
        self.wait_for(self.random.randint(1, 20))
        time.sleep(self.random.uniform(0, 0.5))


# ---------------------------------------------------------------- disturbances


def kill_group(trial: Trial) -> None:
    """SIGKILL to driver and workers."""
    trial.somewhere()
    trial.run.kill()


def kill_anywhere(trial: Trial) -> None:
    """SIGKILL to driver and workers at any moment, the start included."""
    time.sleep(trial.random.uniform(0, 20))
    trial.run.kill()


def kill_driver(trial: Trial) -> None:
    """SIGKILL to the driver only: its workers have to end by themselves."""
    trial.somewhere()
    workers = trial.run.workers()
    trial.run.process.kill()
    trial.run.process.wait()
    _, alive = psutil.wait_procs(workers, timeout=120)
    if alive:
        raise AssertionError(f"{len(alive)} workers outlive their driver")


def kill_workers(trial: Trial) -> None:
    """SIGKILL to random workers, three times."""
    for _ in range(3):
        trial.somewhere()
        workers = trial.run.workers()
        if workers:
            with contextlib.suppress(psutil.Error):
                trial.random.choice(workers).kill()


def stop_worker(trial: Trial) -> None:
    """SIGSTOP to a worker for ten seconds."""
    trial.somewhere()
    for worker in trial.run.workers()[:1]:
        with contextlib.suppress(psutil.Error):
            worker.suspend()
            time.sleep(10)
            worker.resume()


def stop_worker_for_ever(trial: Trial) -> None:
    """SIGSTOP to a worker, which nobody continues."""
    trial.somewhere()
    for worker in trial.run.workers()[:1]:
        with contextlib.suppress(psutil.Error):
            worker.suspend()


def interrupt(trial: Trial) -> None:
    """SIGINT to the group, as Ctrl+C sends it."""
    trial.somewhere()
    os.killpg(trial.run.process.pid, signal.SIGINT)


def fill_disk(trial: Trial) -> None:
    """The disk of the study is full for five seconds."""
    trial.somewhere()
    filler = trial.run.folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**16))
    time.sleep(5)
    filler.unlink()


def lock_database(trial: Trial) -> None:
    """Somebody else writes to the SQLite file for eight seconds."""
    trial.somewhere()
    with contextlib.closing(sqlite3.connect(trial.run.url.removeprefix("sqlite:///"), timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(8)
        other.rollback()


def restart_database(trial: Trial) -> None:
    """The PostgreSQL server stops, and starts again after three seconds."""
    trial.somewhere()
    assert trial.server is not None
    trial.server.stop()
    time.sleep(3)
    trial.server.start()


def lose_mlflow(trial: Trial) -> None:
    """MLflow's database is replaced by something else."""
    trial.somewhere()
    database = trial.run.folder / "mlflow.db"
    if database.exists():
        database.write_bytes(b"this is no database")


def no_mlflow(trial: Trial) -> None:
    """No MLflow server answers, from the start."""
    trial.run.wait()


def two_runs(trial: Trial) -> None:
    """Another run of the same study at the same time."""
    time.sleep(trial.random.uniform(0, 3))
    other = Run(trial.run.folder, trial.run.executor, trial.run.url, trial.run.tracking).start()
    if other.wait() != 0:
        raise AssertionError("the other run failed")


Disturbance = Callable[[Trial], None]

DISTURBANCES: dict[str, Disturbance] = {
    each.__name__: each
    for each in (
        kill_group,
        kill_anywhere,
        kill_driver,
        kill_workers,
        stop_worker,
        stop_worker_for_ever,
        interrupt,
        fill_disk,
        lock_database,
        restart_database,
        lose_mlflow,
        no_mlflow,
        two_runs,
    )
}

ENDS = {"kill_group", "kill_anywhere", "kill_driver", "interrupt"}
"""Disturbances that nothing survives: what counts is what the next run finds."""

ONLY_ON = {"lock_database": "sqlite", "fill_disk": "sqlite", "restart_database": "postgresql"}


@dataclass
class Outcome:
    """What a disturbance left.

    Attributes:
        survived: Whether the run went on to its end by itself.
        lost: Evaluations that were stored before the run was started again, and gone or different at the end.
        twice: Evaluations that were made more than once.
        different: Evaluations that differ from the undisturbed run's.
        starts: Number of runs until one succeeded.
    """

    survived: bool
    lost: int
    twice: int
    different: int
    starts: int


def disturb(
    name: str, base: Path, undisturbed: pd.DataFrame, folder: Path, executor: str, server: Server | None, seed: int
) -> Outcome:
    """Disturb one run of the evaluation stage, start it again until it succeeds, and compare.

    Args:
        name: One of ``DISTURBANCES``.
        base: A study with images and teacher.
        undisturbed: The evaluations of an undisturbed run.
        folder: Folder of the disturbed study; it is made.
        executor: ``processes`` or ``dask``.
        server: PostgreSQL, whose tables are emptied; None for SQLite.
        seed: Seed of the moments.
    """
    shutil.copytree(base, folder, dirs_exist_ok=True)
    url = f"sqlite:///{folder}/store.db" if server is None else server.new_database()
    trial = Trial(Run(folder, executor, url), server, random.Random(seed))
    if name == "no_mlflow":
        trial.run.tracking = "http://127.0.0.1:9"
    trial.run.start()
    DISTURBANCES[name](trial)
    status = trial.run.wait()
    before, starts = trial.stored(), 1
    while status != 0 and starts < 5:
        status, starts = trial.run.start().wait(), starts + 1
    if status != 0:
        raise AssertionError(f"{name}: no run succeeds any more; see {folder}/log.txt")
    after = trial.stored()
    return Outcome(
        survived=starts == 1,
        lost=len(before) - len(before[SAME].merge(after[SAME])),
        twice=int(after["key"].duplicated().sum()),
        different=len(undisturbed) - len(undisturbed[SAME].merge(after[SAME])) + abs(len(after) - len(undisturbed)),
        starts=starts,
    )


def undisturbed_study(folder: Path) -> tuple[Path, pd.DataFrame]:
    """A study with images and teacher, and the evaluations of an undisturbed run of it."""
    base, whole = folder / "base", folder / "undisturbed"
    base.mkdir(parents=True)
    for pipelines in ("data", "teacher"):
        if Run(base, "processes", f"sqlite:///{base}/teachers.db").start(pipelines).wait() != 0:
            raise AssertionError((base / "log.txt").read_text())
    shutil.copytree(base, whole)
    trial = Trial(Run(whole, "processes", f"sqlite:///{whole}/store.db").start(), None, random.Random(0))
    if trial.run.wait() != 0:
        raise AssertionError((whole / "log.txt").read_text())
    return base, trial.stored()


@contextlib.contextmanager
def small_disk(folder: Path):
    """A disk of 32 MB, where one may be mounted."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=DISTURBANCES, default=list(DISTURBANCES))
    parser.add_argument("--executors", nargs="+", choices=["processes", "dask"], default=["processes", "dask"])
    parser.add_argument("--stores", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--times", type=int, default=1, help="trials of each disturbance, executor and store")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="chaos") as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        base, undisturbed = undisturbed_study(folder)
        server = None
        if "postgresql" in chosen.stores and programs():
            server = opened.enter_context(Server.running())
        _say(f"{len(undisturbed)} evaluations undisturbed")
        _say("disturbance           executor   store       tried survived lost twice different starts")
        for disturbance in chosen.only:
            for executor in chosen.executors:
                for store in chosen.stores:
                    if ONLY_ON.get(disturbance, store) != store or (store == "postgresql" and server is None):
                        continue
                    outcomes = []
                    for number in range(chosen.times):
                        where = folder / f"{disturbance}-{executor}-{store}-{number}"
                        disk = small_disk(where) if disturbance == "fill_disk" else contextlib.nullcontext()
                        with disk:
                            seed = chosen.seed + number
                            used = server if store == "postgresql" else None
                            outcomes.append(disturb(disturbance, base, undisturbed, where, executor, used, seed))
                        shutil.rmtree(where, ignore_errors=True)
                    lost, twice, different = (
                        sum(getattr(o, n) for o in outcomes) for n in ("lost", "twice", "different")
                    )
                    survived = sum(outcome.survived for outcome in outcomes)
                    starts = sum(outcome.starts for outcome in outcomes)
                    _say(
                        f"{disturbance:21} {executor:10} {store:11} {len(outcomes):5} {survived:8} {lost:4} {twice:5} "
                        f"{different:9} {starts:6}"
                    )
                    bad += lost + twice + different + (0 if disturbance in ENDS else len(outcomes) - survived)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
