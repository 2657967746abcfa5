"""SubRip subtitles: the label of a segment is shown during the segment.

Players treat tags and some entities as markup, and there is no escape for them. An invisible word
joiner (U+2060), as in FFmpeg's output, keeps them as text.
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
