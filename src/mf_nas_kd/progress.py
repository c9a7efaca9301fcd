"""Progress of long computations: a bar for each, or one bar for a whole study."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from tqdm import tqdm

MEASURED = {"teacher": "teacher", "evaluation": "evaluations", "final": "final trainings"}
"""Stages whose progress is measured as a whole, by the name of what measures it."""

OVERRUN = 1.1
"""A stage that takes longer than expected and does not know how far it is, is expected to take a tenth more."""

SECONDS_BETWEEN_DRAWINGS = 1.0
PERCENT_BETWEEN_LINES = 5
"""Where there is no terminal, each drawing stays as a line of its own."""


IN_THE_REPORT = {
    "mf_nas_kd.studies.final_training",
    "mf_nas_kd.pipelines.evaluation.nodes",
    "mf_nas_kd.benchmarks.entries",
}
"""Loggers whose warnings are for those who write a configuration; what matters of them is in the report as well."""


class Bar(Protocol):
    """What a computation does with its bar."""

    @property
    def n(self) -> float:
        """How much is done."""

    def update(self, n: float = 1) -> Any:
        """Add to what is done."""

    def set_postfix_str(self, s: str, refresh: bool = True) -> None:
        """Set a text behind the bar."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any: ...


def progress_bar(
    what: str, total: float, shown: bool = True, delay_seconds: float = 0.0, done_before: float = 0.0
) -> Bar:
    """Make a progress bar with the finished percentage, the elapsed time and the remaining time.

    Args:
        what: Name of what is counted, in front of the bar.
        total: Sum of all arguments of ``update`` at the end.
        shown: Whether the bar is shown at all.
        delay_seconds: Time until the bar appears; what ends sooner shows none.
        done_before: What an earlier run has done of the same work, in the unit of ``total``; a study's bar counts it.

    Returns:
        The bar, to be used in a ``with`` statement. Within :func:`study_progress` it is a part of the study's bar.
    """
    if _study is not None and shown:
        return _Part(_study, what, total, done_before)
    bar: Bar = tqdm(
        total=total,
        disable=not shown,
        delay=delay_seconds,
        bar_format=what + " {percentage:3.0f}% |{bar:30}| {elapsed} elapsed, about {remaining} left{postfix}",
        mininterval=0.5 if sys.stderr.isatty() else 15,  # in a log file every update stays as a line of its own
        dynamic_ncols=True,
    )
    return bar


class StudyProgress:
    """Elapsed and remaining time of a study whose stages have expected times; parts of stages may take turns.

    The rest of a stage is its expected time less what has passed, at first; as its own progress is known, more and more
    what its progress so far extrapolates to. A stage ends with its last part.

    Args:
        seconds: Expected time of each stage, in seconds.
        clock: Seconds, from any start.

    >>> now = 0.0
    >>> progress = StudyProgress({"teacher": 10.0, "final": 30.0}, lambda: now)
    >>> progress.expect({"teacher": 1, "final": 1})
    >>> progress.begin("teacher")
    >>> now = 10.0
    >>> progress.measure("teacher", 0.5)
    >>> progress.remaining_seconds  # half of the stage took 10 s, which is believed by half
    35.0
    >>> progress.end("teacher")
    >>> progress.remaining_seconds
    30.0
    """

    def __init__(self, seconds: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._expected = dict(seconds)
        self._clock = clock
        self._begun = self._entered = clock()
        self._passed = dict.fromkeys(seconds, 0.0)
        self._fraction = dict.fromkeys(seconds, 0.0)
        self._parts = dict.fromkeys(seconds, 1)
        self.stage = ""

    @property
    def elapsed_seconds(self) -> float:
        """Time since the beginning."""
        return self._clock() - self._begun

    def expect(self, parts: Mapping[str, int]) -> None:
        """Note how many parts each stage has; those without one do not run."""
        self._parts = {stage: parts.get(stage, 0) for stage in self._expected}

    def begin(self, stage: str) -> None:
        """Note that a part of a stage begins."""
        now = self._clock()
        if self.stage in self._passed:
            self._passed[self.stage] += now - self._entered
        self.stage, self._entered = stage, now

    def end(self, stage: str) -> None:
        """Note that a part of a stage has ended."""
        if stage in self._parts:
            self._parts[stage] -= 1

    def measure(self, what: str, fraction: float) -> None:
        """Note how much of a computation is done; it counts if it measures the present stage."""
        if MEASURED.get(self.stage) == what:
            self._fraction[self.stage] = min(1.0, max(self._fraction[self.stage], fraction))

    @property
    def remaining_seconds(self) -> float:
        """Expected time until the end."""
        return sum(self._remaining(stage) for stage, parts in self._parts.items() if parts > 0)

    def _remaining(self, stage: str) -> float:
        passed, fraction = self._passed[stage], self._fraction[stage]
        passed += self._clock() - self._entered if stage == self.stage else 0.0
        total = self._expected[stage] if passed < self._expected[stage] else OVERRUN * passed
        if fraction > 0:  # the more is done, the more that is believed
            total = (1 - fraction) * max(self._expected[stage], passed) + passed
        return total - passed

    @property
    def fraction(self) -> float:
        """Finished part of the whole time, in [0, 1]."""
        elapsed = self.elapsed_seconds
        return elapsed / (elapsed + self.remaining_seconds) if elapsed else 0.0


_study: StudyProgress | None = None


def the_study() -> StudyProgress | None:
    """The progress of the study that runs in this process, if there is one."""
    return _study


def tell_study(what: str, fraction: float) -> None:
    """Tell the study's bar, where there is one, how much of a computation is done, in [0, 1]."""
    if _study is not None:
        _study.measure(what, fraction)


@contextmanager
def study_progress(
    seconds: Mapping[str, float], words: Callable[[float], str], on_line: Callable[[str], None]
) -> Iterator[StudyProgress]:
    """Within the block there is one bar, on stderr, for all computations.

    Args:
        seconds: Expected time of each stage, in seconds, in the order of the stages.
        words: Makes a duration of seconds readable.
        on_line: Called with a line at every twentieth of the study, for a log.
    """
    global _study
    progress, ended = StudyProgress(seconds), threading.Event()
    drawer = threading.Thread(target=_draw, args=(progress, ended, words, on_line), daemon=True)
    _study = progress
    drawer.start()
    try:
        yield progress
    finally:
        _study = None
        ended.set()
        drawer.join()


def _draw(
    progress: StudyProgress, ended: threading.Event, words: Callable[[float], str], on_line: Callable[[str], None]
) -> None:
    """Draw the bar on a terminal; elsewhere write a line at every twentieth."""
    form = "{percentage:3.0f}% |{bar:30}| {desc}"
    next_line, is_terminal = PERCENT_BETWEEN_LINES, sys.stderr.isatty()
    with tqdm(total=100, bar_format=form, dynamic_ncols=True, file=sys.stderr, disable=not is_terminal) as bar:
        percent = 0
        while not ended.wait(SECONDS_BETWEEN_DRAWINGS):
            percent = max(percent, int(100 * progress.fraction))
            elapsed, left = words(progress.elapsed_seconds), words(progress.remaining_seconds)
            text = f"{progress.stage}: {elapsed} elapsed, about {left} left"
            bar.n = percent
            bar.set_description_str(text)
            if percent >= next_line:
                next_line = percent - percent % PERCENT_BETWEEN_LINES + PERCENT_BETWEEN_LINES
                on_line(f"{percent} %: {text}")
                if not is_terminal:
                    print(f"{percent:3d} %  {text}", file=sys.stderr, flush=True)  # noqa: T201


class _Part:
    """A bar within a study: it tells the study what is done, and draws nothing."""

    def __init__(self, study: StudyProgress, what: str, total: float, done_before: float) -> None:
        self._study = study
        self._what = what
        self._total = total
        self._done_before = done_before
        self.n = 0.0
        self.update(0.0)

    def update(self, n: float = 1) -> None:
        self.n += n
        whole = self._done_before + self._total
        self._study.measure(self._what, (self._done_before + self.n) / whole if whole else 1.0)

    def set_postfix_str(self, s: str, refresh: bool = True) -> None:
        """Nothing: there is one bar."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing: the study's bar goes on."""


class BesideBar(logging.Handler):
    """Writes warnings and errors to stderr without tearing the bar."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(lambda record: record.name not in IN_THE_REPORT)
        self.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)
