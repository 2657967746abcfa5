"""Tasks are timed in turns, and the cost of the first run is not counted."""

import time

from vswin_cli.benchmark.timing import time_in_turns


def test_things_take_turns_and_the_first_round_is_not_counted():
    calls = []

    def run(name, first_seconds):
        def called():
            time.sleep(0.01 if name in calls else first_seconds)
            calls.append(name)

        return called

    rounds = []
    things = {"a": run("a", 0.3), "b": run("b", 0.01)}
    times = time_in_turns(things, 3, lambda: rounds.append(len(calls)))
    assert calls == ["a", "b"] * 4
    assert rounds == [2, 4, 6, 8]
    assert len(times["a"].seconds) == 3
    assert 0.01 <= times["a"].fastest <= times["a"].median <= times["a"].slowest
    assert times["a"].median < 0.25  # without the 0.3 s of the first run
