"""Timing in turns, so that a busy machine is as unfair to one as to the other."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Times:
    """Seconds of one thing, measured several times."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def fastest(self) -> float:
        """The least."""
        return min(self.seconds)

    @property
    def slowest(self) -> float:
        """The greatest."""
        return max(self.seconds)


def time_in_turns(
    things: Mapping[str, Callable[[], object]],
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Times]:
    """Run each thing once untimed, then all of them in turn.

    Args:
        things: What to run, by name.
        rounds: How often, at least 1.
        on_round: Called after each round, the untimed one too.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds + 1):
        for name, run in things.items():
            start = perf_counter()
            run()
            if number:
                seconds[name].append(perf_counter() - start)
        on_round()
    return {name: Times(times) for name, times in seconds.items()}
