"""A result as one flat record: the documented schema of the machine-readable formats."""

from typing import Any

from vswin_cli.formats.text import printable
from vswin_cli.results import Prediction, Result


def to_record(result: Result) -> dict[str, Any]:
    """Turn a result into its JSON object; every key is always there.

    A failure has null for the numbers that are not known, empty `clips` and `predictions`, and its
    `error`.
    """
    prediction = result if isinstance(result, Prediction) else None
    return {
        "video": result.video,
        "status": "ok" if prediction else "failed",
        "model": result.setup.model,
        "protocol": result.setup.protocol,
        "num_frames": prediction and prediction.num_frames,
        "clips": [list(clip) for clip in prediction.clips] if prediction else [],
        "num_views": prediction and prediction.num_views,
        "num_distinct_views": prediction and prediction.num_distinct_views,
        "num_views_used": prediction and prediction.num_views_used,
        "backend": result.setup.backend,
        "precision": result.setup.precision,
        "predictions": [
            {
                "rank": scored.rank,
                "label": scored.label,
                "index": scored.index,
                "probability": scored.probability,
            }
            for scored in (prediction.scored_labels if prediction else ())
        ],
        "elapsed_seconds": result.elapsed_seconds,
        "warnings": list(map(printable, prediction.warnings)) if prediction else [],
        "error": None
        if isinstance(result, Prediction)
        else {"kind": result.kind, "message": printable(result.message)},
    }
