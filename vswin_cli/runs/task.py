"""What a run does with every video, and who gets its events."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

from vswin_cli.classify import Classifier, VideoOutputs
from vswin_cli.formats.format import Format
from vswin_cli.results import Prediction, Result
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.output import Output
from vswin_cli.runs.plan import PlanWatcher
from vswin_cli.runs.pool import DecodedVideo, DecodingPool
from vswin_cli.runs.records import Record, Settings
from vswin_cli.runs.sidecars import SidecarFormat, write_sidecar
from vswin_cli.runs.videos import Found
from vswin_cli.views.views import Views


class RunWatcher(PlanWatcher):
    """Gets the events of a run, in the thread of the run; this base class ignores them."""

    def following(
        self, todo: Sequence[Found], busy_with: Callable[[], Sequence[Found]]
    ) -> AbstractContextManager[None]:
        """Make a context for the run, including the loading of the model.

        Args:
            todo: The videos to compute.
            busy_with: Returns the videos that are being decoded.
        """
        return nullcontext()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Make a context in which any thread may call `stop`, which ends the run early."""
        return nullcontext()

    def on_start(self, found: Found) -> None:
        """The model starts on a video."""

    def on_view(self, done: int, total: int) -> None:
        """The model has computed another view of the current video."""

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """The record of a video is on disk."""


class Task:
    """What a run computes for every video: labels in this class, other results in subclasses.

    A new command over many videos is a subclass with `conclude`, and with `settings` that name
    everything it depends on. `run_over` finds missing videos, decodes, records, and stops.

    Args:
        load: Loads the model; called once, and only if there is something to compute.
        make_pool: Makes the pool of decoding processes.
        settings: Everything that a record depends on, except the video.
        sidecar: Format of a file to write next to each video: `json`, `txt` or None.
    """

    more_columns: tuple[str, ...] = ()  # columns of its tables, in addition to those of all records

    def __init__(
        self,
        load: Callable[[], Classifier],
        make_pool: Callable[[RunOptions], DecodingPool],
        settings: Settings,
        *,
        sidecar: SidecarFormat | None = None,
    ) -> None:
        self.sidecar = sidecar
        self._told: set[str | None] = set()
        self.warnings: list[str] = []  # used by `finish`
        self._load = load
        self.make_pool = make_pool
        self.settings = settings

    @cached_property
    def classifier(self) -> Classifier:
        """The loaded model."""
        return self._load()

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Make the prediction for a video, and the additional keys of its record.

        Args:
            decoded: The decoded video.
            views: Its views.
            outputs: The model's outputs for them.
            seconds: Time to decode and compute.

        Raises:
            OutputError: Another file of the task cannot be written.
        """
        return self.classifier.conclude(decoded.found.video, views, outputs, seconds), {}

    def about(self, video: Found) -> Record:
        """Additional keys of a video's record, even if the video cannot be read."""
        return {}

    def recorded(self, video: Found, record: Record) -> str | None:
        """Act after a record is on disk; return messages for the user."""
        warning = None if self.sidecar is None else write_sidecar(video, record, self.sidecar)
        self._told.add(warning)
        return warning

    def settings_for(self, video: Found) -> Settings:
        """Everything that the record of this video depends on."""
        return self.settings

    def opened(self, journal: Journal, *, options: RunOptions) -> AbstractContextManager[None]:
        """Make a context while the output is open, for other files of the task."""
        return nullcontext()

    def planned(
        self, journal: Journal | None, *, options: RunOptions
    ) -> AbstractContextManager[None]:
        """Make a context while a plan is made without a run, for other files of the task."""
        return nullcontext()

    def why_again(self, video: Found) -> str | None:
        """Say why a video with a valid record must be computed anyway; None if it need not be."""
        return None

    def prepared(self, record: Record, chosen: Format) -> Record:
        """Change a record before it is written in a format, if needed."""
        return record

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Write the output, in the order of the videos.

        Raises:
            OutputError: The output cannot be written.
        """
        names = [video.video for video in videos]
        top_k = int(self.settings.get("top_k", 1))
        output.finish(
            journal, names, top_k, self.more_columns, lambda r: self.prepared(r, output.format)
        )
        if self.sidecar is not None:  # also for videos of an earlier run
            for video in videos:
                if video.video in journal.entries:
                    warning = write_sidecar(video, journal.record(video.video), self.sidecar)
                    if warning is not None and warning not in self._told:
                        self.warnings.append(warning)
