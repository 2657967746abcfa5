"""What features were computed with; a file holds features of one origin, and says which."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from vswin_cli.engines.base import Precision
from vswin_cli.results import Setup
from vswin_cli.runs.records import settings_of
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

FeatureType = Literal["float32", "float16"]
FORMAT = "vswin features 1"


@dataclass(frozen=True)
class Origin:
    """Whatever features depend on apart from their video, and the form in which they are kept."""

    model: str
    weights_sha256: str  # of the file
    with_top: bool  # whether that file has the classifier's head; the features are the same
    protocol: ViewProtocol
    backend: str
    precision: Precision
    reader: str
    dtype: FeatureType
    per_view: bool  # a row for each distinct view, or one for the mean of a video's views
    num_features: int

    @property
    def settings(self) -> dict[str, Any]:
        """All of it by its name, as records have it."""
        setup = Setup(self.model, self.protocol.sampling, self.backend, self.precision)
        return settings_of(
            setup,
            self.protocol,
            self.weights_sha256,
            self.reader,
            with_top=self.with_top,
            dtype=self.dtype,
            per_view=self.per_view,
            num_features=self.num_features,
        )

    @property
    def row_type(self) -> np.dtype[np.void]:
        """One row: its features, and which view it is if it is one."""
        view = [("clip", "<i4"), ("crop", "<i4"), ("weight", "<i4")] if self.per_view else []
        numbers = "<f4" if self.dtype == "float32" else "<f2"
        return np.dtype([*view, ("features", numbers, (self.num_features,))])

    def to_texts(self) -> dict[str, str]:
        """Everything as text by name, as files keep it: JSON, but for what is text already."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in asdict(self).items()
        }
        return {"format": FORMAT, **texts}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> "Origin":
        """Undo `to_texts`.

        Raises:
            ValueError: These are no such texts.
        """
        if texts.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        try:
            values: dict[str, Any] = {
                field.name: texts[field.name]
                if field.type in (str, Precision)
                else json.loads(texts[field.name])
                for field in fields(cls)
                if field.name not in {"protocol", "dtype"}
            }
            protocol = json.loads(texts["protocol"])
            protocol["sampling"] = Sampling(protocol["sampling"])
            origin = cls(**values, protocol=ViewProtocol(**protocol), dtype=_dtype(texts["dtype"]))
        except (KeyError, TypeError) as exc:
            raise ValueError(f"{exc} is missing or invalid") from exc
        return origin


def _dtype(text: str) -> FeatureType:
    for known in get_args(FeatureType):
        if text == known:
            found: FeatureType = known
            return found
    raise ValueError(f"unknown dtype {text!r}")
