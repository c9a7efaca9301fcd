"""The remaining time of a whole study."""

from mf_nas_kd.progress import StudyProgress, progress_bar, study_progress, tell_study, the_study


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_stages_may_take_turns_and_end_with_their_last_part():
    clock = Clock()
    progress = StudyProgress({"search": 100.0, "report": 10.0}, clock)
    progress.expect({"search": 2, "report": 1})
    progress.begin("search")
    clock.now = 30.0
    progress.end("search")
    progress.begin("report")
    clock.now = 35.0
    progress.end("report")
    assert progress.remaining_seconds == 70.0
    progress.begin("search")
    clock.now = 60.0
    assert progress.remaining_seconds == 45.0
    progress.end("search")
    assert progress.remaining_seconds == 0.0
    assert progress.fraction == 1.0


def test_a_stage_that_does_not_run_takes_no_time():
    progress = StudyProgress({"search": 100.0, "report": 10.0}, Clock())
    progress.expect({"report": 1})
    assert progress.remaining_seconds == 10.0


def test_a_stage_that_takes_longer_than_expected_is_extrapolated_from_what_is_done():
    clock = Clock()
    progress = StudyProgress({"evaluation": 100.0}, clock)
    progress.begin("evaluation")
    clock.now = 160.0
    progress.measure("evaluations", 0.8)
    assert 30 < progress.remaining_seconds < 50  # 160 s for 0.8 leave 40 s
    progress.measure("another bar", 1.0)
    assert progress.remaining_seconds > 30


def test_within_a_study_bars_are_parts_of_its_own(capsys):
    lines = []
    with study_progress({"teacher": 1.0}, str, lines.append) as progress:
        assert the_study() is progress
        progress.begin("teacher")
        with progress_bar("teacher", total=4.0) as bar:
            bar.update(3.0)
            bar.update()
            assert bar.n == 4.0
        assert progress._remaining("teacher") == 0.0
    assert the_study() is None
    assert "teacher" not in capsys.readouterr().out


def test_what_an_earlier_run_has_done_is_done():
    with study_progress({"evaluation": 100.0}, str, lambda line: None) as progress:
        progress.begin("evaluation")
        with progress_bar("evaluations", total=10.0, done_before=30.0):
            assert 20 < progress.remaining_seconds < 26


def test_a_stage_that_overruns_does_not_stand_still():
    clock = Clock()
    progress = StudyProgress({"search": 10.0}, clock)
    progress.begin("search")
    left = []
    for clock.now in (20.0, 40.0, 80.0):
        left.append(progress.remaining_seconds)
    assert left == sorted(left)
    assert left[0] > 0


def test_the_final_trainings_are_counted():
    with study_progress({"final": 100.0}, str, lambda line: None) as progress:
        progress.begin("final")
        tell_study("final trainings", 0.9)
        assert progress.remaining_seconds < 11
    tell_study("final trainings", 0.9)  # without a study nothing happens
