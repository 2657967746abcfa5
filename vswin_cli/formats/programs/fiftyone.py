"""FiftyOne's dataset: a folder that `fiftyone.Dataset.from_dir` loads, without that library.

Written as fiftyone 1.0 exports datasets, which later versions load too. Videos stay where they are.
"""

import base64
import io
import json
import mimetypes
import os
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vswin_cli.formats.format import Format
from vswin_cli.formats.writer import RecordWriter
from vswin_cli.system.text import utf8

if TYPE_CHECKING:
    import numpy as np

FORMAT = Format(
    "fiftyone", f"{__name__}:LabelledDataset", ".fiftyone", is_folder=True, takes_features=True
)
_VERSION = "1.0.0"
_LABEL = {"id": "ObjectId", "tags": "List", "label": "String", "confidence": "Float"}
_CLASSES: dict[str, dict[str, str]] = {  # of documents inside samples, with their fields
    "VideoMetadata": {
        "size_bytes": "Int", "mime_type": "String", "frame_width": "Int",
        "frame_height": "Int", "frame_rate": "Float", "total_frame_count": "Int",
        "duration": "Float", "encoding_str": "String",
    },
    "Classification": {**_LABEL, "logits": "Vector"},
    "Classifications": {"classifications": "Classification", "logits": "Vector"},
    "TemporalDetection": {**_LABEL, "support": "FrameSupport"},
    "TemporalDetections": {"detections": "TemporalDetection"},
}  # fmt: skip
_OF_ALL = {
    "id": "ObjectId", "filepath": "String", "tags": "List", "metadata": "VideoMetadata",
    "_media_type": "String", "_rand": "Float", "_dataset_id": "ObjectId", "created_at": "DateTime",
    "last_modified_at": "DateTime", "error": "String",
}  # fmt: skip
_OF_FRAMES = {
    "id": "ObjectId", "frame_number": "FrameNumber", "_sample_id": "ObjectId",
    "_dataset_id": "ObjectId", "created_at": "DateTime", "last_modified_at": "DateTime",
}  # fmt: skip


class LabelledDataset(RecordWriter):
    """A sample per video: its best label, all its labels, and features where they were computed.

    One that failed is tagged `failed`; one that was skipped is left out.
    """

    fields: ClassVar[Mapping[str, str]] = {  # of samples, apart from those of all
        "prediction": "Classification",
        "predictions": "Classifications",
        "embedding": "Vector",
    }

    def __init__(
        self, stream: Path, *, top_k: int, note: str = "", more_columns: Sequence[str] = ()
    ) -> None:
        super().__init__(stream, top_k=top_k, note=note, more_columns=more_columns)
        self._samples = (stream / "samples.json").open("w", encoding="ascii")
        self._separator = '{"samples": [\n'
        self._info: dict[str, str] = {}

    def write(self, record: dict[str, Any]) -> None:
        """Write one sample."""
        if record["status"] == "skipped":
            return
        self._info = {key: record[key] for key in ("model", "protocol")}
        sample = json.dumps({**self._sample(record), **self.answers(record)})
        self._samples.write(self._separator + sample)
        self._separator = ",\n"

    def close(self) -> None:
        """Complete the samples, and write the description of the dataset."""
        self._samples.write(self._separator.removeprefix(",") + "]}\n")
        self._samples.close()
        dataset = {
            "name": "vswin",
            "version": _VERSION,
            "media_type": "video",
            "persistent": False,
            "tags": [],
            "info": self._info,
            "sample_fields": _declared({**_OF_ALL, **self.fields}),
            "frame_fields": _declared(_OF_FRAMES),
        }
        (self.stream / "metadata.json").write_text(json.dumps(dataset) + "\n", encoding="ascii")

    def answers(self, record: dict[str, Any]) -> dict[str, Any]:
        """Make the fields of a sample, except for those that every sample has."""
        labels = [
            self.label(record, "Classification", number, scored)
            for number, scored in enumerate(record["predictions"])
        ]
        best = (
            self.label(record, "Classification", -1, record["predictions"][0]) if labels else None
        )
        return {
            "prediction": best,
            "predictions": {"_cls": "Classifications", "classifications": labels},
            "embedding": _vector(record["embedding"]) if "embedding" in record else None,
        }

    def label(
        self, record: dict[str, Any], kind: str, number: int, scored: dict[str, Any]
    ) -> dict[str, Any]:
        """Make a label of FiftyOne's.

        Args:
            record: Record of the video.
            kind: Class in FiftyOne.
            number: Number, unique among the labels of the video.
            scored: Name and probability.
        """
        return {
            "_id": self._id(record, number),
            "_cls": kind,
            "tags": [],
            "label": utf8(scored["label"]),
            "confidence": scored["probability"],
        }

    def _sample(self, record: dict[str, Any]) -> dict[str, Any]:
        place, error = utf8(record.get("path", record["video"])), record["error"]
        identity = self._id(record)
        return {
            "_id": identity,
            "filepath": place,
            "tags": ["failed"] if error else [],
            "metadata": None
            if error
            else {
                "_cls": "VideoMetadata",
                "size_bytes": record.get("bytes"),
                "mime_type": mimetypes.guess_type(place)[0],
                "frame_width": record["width"],
                "frame_height": record["height"],
                "frame_rate": record["frames_per_second"],
                "total_frame_count": record["num_frames"],
                "duration": record["duration_seconds"],
            },
            "_media_type": "video",
            "_rand": int(identity["$oid"], 16) / 16**24,  # in [0, 1), what samples are drawn by
            "error": error and utf8(error["message"]),
        }

    def _id(self, record: dict[str, Any], number: int | None = None) -> dict[str, str]:
        """Make the ID of a sample or of one of its labels: 12 bytes, the same in each run."""
        seed = f"{type(self).__name__}\0{record['video']}\0{number}"
        return {"$oid": sha256(os.fsencode(seed)).hexdigest()[:24]}


def _declared(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe fields as FiftyOne does: by their types, and the types of their items."""
    return [_field(name, kind) for name, kind in fields.items()]


def _field(name: str, kind: str) -> dict[str, Any]:
    document = subfield = None
    if kind in _CLASSES:
        module = "metadata" if kind == "VideoMetadata" else "labels"
        document, ftype = f"fiftyone.core.{module}.{kind}", "EmbeddedDocument"
        if f"{kind}s" in _CLASSES and name in _CLASSES[f"{kind}s"]:
            ftype, subfield = "List", "EmbeddedDocument"
    else:
        ftype = kind
        subfield = {"List": "String", "FrameSupport": "Int"}.get(kind)
    return {
        "name": name,
        "ftype": f"fiftyone.core.fields.{ftype}Field",
        "subfield": subfield and f"fiftyone.core.fields.{subfield}Field",
        "embedded_doc_type": document,
        "fields": _declared(_CLASSES.get(kind, {})),
        "db_field": "_id" if name == "id" else name,
        "description": None,
        "info": None,
        "read_only": name in ("created_at", "last_modified_at"),
    }


def _vector(features: "np.ndarray") -> dict[str, Any]:
    """Encode numbers as FiftyOne stores them: a NumPy file, compressed by zlib."""
    import numpy as np  # noqa: PLC0415 - help lists formats

    file = io.BytesIO()
    np.save(file, features, allow_pickle=False)
    text = base64.b64encode(zlib.compress(file.getvalue())).decode("ascii")
    return {"$binary": {"base64": text, "subType": "00"}}
