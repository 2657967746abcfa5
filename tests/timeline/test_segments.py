import numpy as np
import pytest

from vswin_cli.timeline.segments import Cutting, cut
from vswin_cli.timeline.steps import Steps
from vswin_cli.timeline.windows import Shot

STEP = 0.25


def segments(labels, *, fine=None, classes=3, **cutting):
    """Make segments of steps whose best class is a letter, or none for a dot."""
    table = np.full((len(labels), classes), 0.05)
    for step, letter in enumerate(labels):
        if letter != ".":
            table[step, "abc".index(letter.lower())] = 0.9 if letter.islower() else 0.4
    shot = Shot(0, 0, len(labels), 0.0, len(labels) * STEP)
    found = cut(shot, 0, table, STEP, Cutting(**cutting), fine or {})
    return [(round(s.start_seconds, 3), round(s.end_seconds, 3), "abc"[s.index]) for s in found]


def nearest_tenths(labels, **cutting):
    return [(round(a, 1), round(b, 1), label) for a, b, label in segments(labels, **cutting)]


def test_what_is_probable_nowhere_is_nothing():
    assert segments("........") == []
    assert segments("AAAAAAAA") == []  # above the lower threshold, but never above the upper


def test_a_segment_goes_on_as_far_as_the_lower_threshold():
    # The edge lies where the probability crosses the middle of both thresholds.
    [(start, end, label)] = segments("....AAaaaaAA....")
    assert (label, start < 1.1, end > 2.9) == ("a", True, True)


def test_a_short_gap_is_bridged_and_a_short_run_dropped():
    assert segments("aaaaaa..aaaaaa") == [(0, 3.5, "a")]
    assert segments("aaaaaabbaaaaaa") == [(0, 3.5, "a")]
    assert [s[2] for s in segments("aaaaaa......aaaaaa")] == ["a", "a"]
    assert segments("......bb......") == []
    assert segments("......bb......", min_seconds=0.5)[0][2] == "b"


def test_what_lies_between_two_labels_is_shared_out():
    (first, second) = segments("aaaaaaccbbbbbb")
    assert first[1] == second[0]
    assert 1.25 <= first[1] <= 2.25


def test_what_is_dropped_is_nothing_if_it_was_long():
    """Only what windows over two labels show for a moment goes to the neighbours."""
    apart = [(0, 4, "a"), (6, 10, "b")]
    assert nearest_tenths("a" * 16 + "c" * 8 + "b" * 16, min_seconds=3) == apart
    assert nearest_tenths("a" * 16 + "." * 8 + "b" * 16, min_seconds=3) == apart
    assert nearest_tenths("a" * 16 + "c" * 8, min_seconds=3) == apart[:1]
    assert nearest_tenths("a" * 8 + "c" * 8, min_seconds=9) == []
    assert nearest_tenths("a" * 16 + "c" * 8 + "a" * 16, min_seconds=3) == [(0, 10, "a")]


def test_a_shot_that_is_shorter_than_the_shortest_segment_keeps_its_label():
    assert segments("aa") == [(0, 0.5, "a")]


def test_segments_of_one_label_never_overlap_and_others_only_if_asked():
    table = np.tile([0.6, 0.55, 0.1], (20, 1))
    table[10:, 0] = 0.1
    shot = Shot(0, 0, 20, 0.0, 5.0)
    single = cut(shot, 0, table, STEP, Cutting(), {})
    assert [s.index for s in single] == [0, 1]
    assert single[0].end_seconds == single[1].start_seconds
    multi = cut(shot, 0, table, STEP, Cutting(multi=True), {})
    assert [(s.index, s.start_seconds) for s in multi] == [(0, 0.0), (1, 0.0)]
    assert multi[0].end_seconds < multi[1].end_seconds == 5.0


def test_finer_steps_say_where_the_edge_is():
    fine = {step: np.array([0.9, 0.1, 0] if step < 6 else [0.1, 0.9, 0]) for step in range(5, 11)}
    (first, second) = segments("aaaaaaaabbbbbbbb", fine=fine)
    assert first[1] == second[0] == 1.5


def test_a_segment_that_is_short_by_finer_steps_is_dropped():
    only_in_two = {
        step: np.array([0.1, 0.9, 0] if step in (8, 9) else [0.9, 0.1, 0]) for step in range(5, 15)
    }
    assert segments("aaaaaaabbbbbbaaaaaaa", fine=only_in_two) == [(0, 5, "a")]


def test_probability_is_the_mean_over_a_segments_steps():
    table = np.array([[0.9, 0.1]] * 4 + [[0.7, 0.3]] * 4)
    [segment] = cut(Shot(0, 0, 8, 0, 2), 0, table, STEP, Cutting(), {})
    assert segment.probability == pytest.approx(0.8)


class Place:
    """A window as `Steps` sees it."""

    def __init__(self, start, end):
        self.start_seconds, self.end_seconds = start, end


def test_steps_are_the_mean_of_the_windows_that_cover_them_by_their_middles():
    steps = Steps(1.0, 1.0)
    settled = []
    for start, p in ((0, 0.0), (1, 1.0), (2, 1.0)):
        settled += steps.add(Place(start, start + 2), np.array([p, 1 - p]))
    settled += steps.end_shot(Shot(0, 0, 4, 0.0, 4.0))
    assert [step.number for step in settled] == [0, 1, 2, 3]
    # The middle of step 1 is as near to the middle of the first window as to that of the second.
    assert [float(step.probabilities[0]) for step in settled] == pytest.approx([0, 0.5, 1, 1])


def test_windows_that_lie_apart_stand_for_what_is_nearest():
    steps = Steps(5.0, 5.0)
    settled = []
    for start in (0, 5, 10):
        settled += steps.add(Place(start, start + 2), np.array([1.0]))
    settled += steps.end_shot(Shot(0, 0, 100, 0.0, 14.0))
    assert [step.number for step in settled] == [0, 1, 2]
