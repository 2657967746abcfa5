"""SubRip subtitles: a segment's label is shown as long as it lasts.

Players take tags and some entities for markup, and nothing escapes them; an invisible word joiner
(U+2060), as FFmpeg itself writes it, keeps them from being any.
"""

import re
from typing import Any

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.timeline.formats import clock, subtitle

FORMAT = Format("srt", "vswin_cli.timeline.formats.srt:SubRip", ".srt", holds_one=True, grows=True)
_MARKUP = re.compile(r"<(?=[/\w])|&(?=#?\w+;)|--(?=>)")


class SubRip(RecordWriter):
    """The subtitles of one film."""

    _number = 0

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's segments."""
        for segment in record["segments"]:
            self._number += 1
            times = [clock(segment[f"{end}_seconds"], ",") for end in ("start", "end")]
            text = _MARKUP.sub("\\g<0>\u2060", subtitle(segment))
            self.stream.write(f"{self._number}\n{' --> '.join(times)}\n{text}\n\n")
        self.stream.flush()
