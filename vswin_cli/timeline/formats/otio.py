"""OpenTimelineIO, for editors: the film cut into clips, with a marker per segment."""

from typing import Any, TextIO

from vswin_cli.formats.registry import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.terminal import printable

FORMAT = Format(
    "otio",
    "vswin_cli.timeline.formats.otio:EditorsTimeline",
    ".otio",
    library="opentimelineio",
    extra="otio",
    holds_one=True,
)


class EditorsTimeline(RecordWriter):
    """One film on one video track: a clip per shot, whose markers are its segments."""

    stream: TextIO

    def write(self, record: dict[str, Any]) -> None:
        """Write a film's timeline."""
        import opentimelineio as otio  # noqa: PLC0415 - an extra

        name, rate = printable(record["video"]), record["frames_per_second"]

        def spanned(span: dict[str, Any]) -> Any:  # noqa: ANN401 - the library has no types
            bounds = (round(span[f"{each}_seconds"] * rate, 3) for each in ("start", "end"))
            times = (otio.opentime.RationalTime(frames, rate) for frames in bounds)
            return otio.opentime.range_from_start_end_time(*times)

        whole = {"start_seconds": 0.0, "end_seconds": record["duration_seconds"]}
        place = printable(record.get("media", record["video"]))
        media = otio.schema.ExternalReference(place, spanned(whole))
        timeline = otio.schema.Timeline(name)
        track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
        timeline.tracks.append(track)
        for number, shot in enumerate(record["shots"]):
            clip = otio.schema.Clip(f"shot {number}", media.clone(), spanned(shot))
            for segment in record["segments"]:
                if segment["shot"] == number:
                    marker = otio.schema.Marker(segment["label"], spanned(segment))
                    marker.metadata["vswin"] = {"probability": segment["probability"]}
                    clip.markers.append(marker)
            track.append(clip)
        self.stream.write(otio.adapters.write_to_string(timeline, "otio_json") + "\n")
        self.stream.flush()
