"""The origin of features: a file contains features of one origin, and states it."""

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
    """Everything except the video that features depend on, and the form of their rows."""

    model: str
    weights_sha256: str  # of the weights file
    with_head: bool  # whether the weights file has a head; the features are the same
    protocol: ViewProtocol
    backend: str
    precision: Precision
    reader: str
    dtype: FeatureType
    per_view: bool  # one row per distinct view, or one with the mean per video
    num_features: int

    @property
    def settings(self) -> dict[str, Any]:
        """Return all values by name, as in records."""
        setup = Setup(self.model, self.protocol.sampling, self.backend, self.precision)
        return settings_of(
            setup,
            self.protocol,
            self.weights_sha256,
            self.reader,
            with_head=self.with_head,
            dtype=self.dtype,
            per_view=self.per_view,
            num_features=self.num_features,
        )

    @property
    def row_type(self) -> np.dtype[np.void]:
        """The dtype of a row: its features, and its view if there is a row per view."""
        view = [("clip", "<i4"), ("crop", "<i4"), ("weight", "<i4")] if self.per_view else []
        numbers = "<f4" if self.dtype == "float32" else "<f2"
        return np.dtype([*view, ("features", numbers, (self.num_features,))])

    def to_texts(self) -> dict[str, str]:
        """Return all values as text by name, as in files: JSON, except for text."""
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in asdict(self).items()
        }
        return {"format": FORMAT, **texts}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> "Origin":
        """Read the result of `to_texts`.

        Raises:
            ValueError: The texts are invalid.
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
