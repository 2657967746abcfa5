"""A table for people: one segment per line."""

from typing import Any, TextIO

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.terminal import clock, counted, length, printable

FORMAT = Format("table", "vswin_cli.timeline.formats.table:SegmentTable")


class SegmentTable(RecordWriter):
    """One table per film; plain text if stdout is not a terminal."""

    def __init__(self, stream: TextIO, **settings: Any) -> None:  # noqa: ANN401 - the base's
        from vswin_cli.formats.tables import result_console  # noqa: PLC0415 - help lists formats

        super().__init__(stream, **settings)
        self._console = result_console(stream)
        self._has_started = False

    def write(self, record: dict[str, Any]) -> None:
        """Print the segments of a film; the message of a failed film goes to stderr instead."""
        from rich import box  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        from vswin_cli.formats.tables import print_table  # noqa: PLC0415

        if record["error"]:
            return
        if self._has_started:
            self._console.print()
        self._has_started = True
        self._console.print(Text(printable(record["video"]), style="bold"))
        table = Table(box=box.SIMPLE_HEAD if self._console.is_terminal else None, pad_edge=False)
        for title in ("start", "end"):
            table.add_column(title, justify="right", no_wrap=True)
        table.add_column("label", overflow="fold")
        table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("shot", justify="right", no_wrap=True)
        for segment in record["segments"]:
            table.add_row(
                clock(segment["start_seconds"]),
                clock(segment["end_seconds"]),
                Text(printable(segment["label"])),
                f"{segment['probability']:.4f}",
                str(segment["shot"]),
            )
        print_table(self._console, table, drop=(4, 3))
        self._console.print(Text(_summary(record), style="dim"))
        self.stream.flush()

    def close(self) -> None:
        """Print the note below the last table."""
        from rich.text import Text  # noqa: PLC0415

        if self.note and self._has_started:
            self._console.print(Text(self.note, style="dim"))
        super().close()


def _summary(record: dict[str, Any]) -> str:
    """Summarize the computation in one line."""
    return " · ".join(
        (
            str(record["model"]),
            length(record["duration_seconds"]),
            counted(len(record["segments"]), "segment"),
            counted(len(record["shots"]), "shot"),
            counted(record["num_windows"], "window"),
            f"{record['backend']} {record['precision']}",
            length(record["elapsed_seconds"]),
        )
    )
