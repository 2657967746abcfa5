"""What a run does with every video, and who is told of it."""

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
    """Is told what happens, in the thread of the run; this one does nothing about it."""

    def following(
        self, todo: Sequence[Found], busy_with: Callable[[], Sequence[Found]]
    ) -> AbstractContextManager[None]:
        """Lasts as long as the run, the loading of the model included.

        Args:
            todo: The videos.
            busy_with: Gives those that are being decoded.
        """
        return nullcontext()

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[None]:
        """Lasts as long as `stop` ends the run after what is in flight; it takes any thread."""
        return nullcontext()

    def on_start(self, found: Found) -> None:
        """The model starts on a video."""

    def on_view(self, done: int, total: int) -> None:
        """The model has computed another view of it."""

    def on_result(self, found: Found, result: Result, notes: Sequence[str]) -> None:
        """A video's record is on disk."""


class Task:
    """What a run computes of every video: the labels here, something else in subclasses.

    A new command over many videos is a subclass with `conclude`, and `settings` that name all it
    depends on; `run_over` finds out what is missing, decodes, records, and stops.

    Args:
        load: Loads the model; called once, and only if there is something to compute.
        make_pool: Makes what decodes, in other processes.
        settings: Whatever a record depends on apart from its video.
        sidecar: What to write beside each video too: `json`, `txt` or nothing.
    """

    more_columns: tuple[str, ...] = ()  # of tables of its records, apart from those of all

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
        self.warnings: list[str] = []  # of `finish`
        self._load = load
        self.make_pool = make_pool
        self.settings = settings

    @cached_property
    def classifier(self) -> Classifier:
        """The model, loaded."""
        return self._load()

    def conclude(
        self, decoded: DecodedVideo, views: Views, outputs: VideoOutputs, seconds: float
    ) -> tuple[Prediction, Record]:
        """Make the answer for a video; what its record holds more than the prediction comes second.

        Args:
            decoded: The video.
            views: Of it.
            outputs: What was computed of them.
            seconds: To decode and compute.

        Raises:
            OutputError: What it keeps elsewhere cannot be written.
        """
        return self.classifier.conclude(decoded.found.video, views, outputs, seconds), {}

    def about(self, video: Found) -> Record:
        """What the record of a video holds more, whether it can be read or not."""
        return {}

    def recorded(self, video: Found, record: Record) -> str | None:
        """Do what is to be done once a record is on disk; return what the user should know."""
        warning = None if self.sidecar is None else write_sidecar(video, record, self.sidecar)
        self._told.add(warning)
        return warning

    def settings_for(self, video: Found) -> Settings:
        """Whatever the record of a certain video depends on."""
        return self.settings

    def opened(self, journal: Journal, *, options: RunOptions) -> AbstractContextManager[None]:
        """Lasts as long as the output is open, for what is written to other files."""
        return nullcontext()

    def planned(
        self, journal: Journal | None, *, options: RunOptions
    ) -> AbstractContextManager[None]:
        """Lasts as long as a plan is made that is not carried out, for what is read elsewhere."""
        return nullcontext()

    def why_again(self, video: Found) -> str | None:
        """Why a video whose record holds is to be computed all the same, if it is."""
        return None

    def prepared(self, record: Record, chosen: Format) -> Record:
        """Make what is written of a record in some format, where a journal does not do for it."""
        return record

    def finish(self, output: Output, journal: Journal, videos: Sequence[Found]) -> None:
        """Write the output, in the order of the videos.

        Raises:
            OutputError: It cannot be written.
        """
        names = [video.video for video in videos]
        top_k = int(self.settings.get("top_k", 1))
        output.finish(
            journal, names, top_k, self.more_columns, lambda r: self.prepared(r, output.format)
        )
        if self.sidecar is not None:  # of videos that an earlier run has done too
            for video in videos:
                if video.video in journal.entries:
                    warning = write_sidecar(video, journal.record(video.video), self.sidecar)
                    if warning is not None and warning not in self._told:
                        self.warnings.append(warning)
