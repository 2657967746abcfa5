"""WebVTT: subtitles for browsers."""

from html import escape
from typing import Any, TextIO

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.timeline.formats import clock, subtitle

FORMAT = Format("vtt", "vswin_cli.timeline.formats.vtt:WebVtt", ".vtt", holds_one=True, grows=True)


class WebVtt(RecordWriter):
    """The cues of one film."""

    def __init__(self, stream: TextIO, **settings: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(stream, **settings)
        stream.write("WEBVTT\n")

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's segments."""
        for segment in record["segments"]:
            times = [clock(segment[f"{end}_seconds"], ".") for end in ("start", "end")]
            text = escape(subtitle(segment), quote=False)
            self.stream.write(f"\n{' --> '.join(times)}\n{text}\n")
        self.stream.flush()
