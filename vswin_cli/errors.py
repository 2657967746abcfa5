"""Every error a user can meet.

VswinError
├── UsageError            the command was asked for something that cannot be (exit code 2)
│   ├── UnknownModelError
│   └── ModelFileError    a model file of the user's makes no sense
├── VideoError            this video cannot be labelled; the next one may be
├── WeightsError          no usable weights
│   ├── WeightsNotFoundError
│   ├── CheckpointError   the file is not the checkpoint it should be
│   └── DownloadError
├── BackendError          the backend is not installed or cannot run the model
└── OutputError           the results cannot be written
"""

from typing import ClassVar

_MAX_CHARACTERS = 2000


class VswinError(Exception):
    """What, why and what to do, in one line.

    `kind` is the stable word for the error in machine-readable results; `exit_code` is the
    process's when the error ends it.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        text = super().__str__()  # may repeat names out of a stranger's file, of any length
        return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


class UsageError(VswinError):
    """Options that contradict each other, or name what does not exist."""

    kind = "usage"
    exit_code = 2


class UnknownModelError(UsageError):
    """No model has this name."""

    kind = "unknown_model"


class ModelFileError(UsageError):
    """A file that describes a model of the user's does not say what it must."""

    kind = "model_file"


class VideoError(VswinError):
    """A video that cannot be labelled.

    Args:
        message: The line for the user.
        kind: One of `missing`, `not_a_file`, `permission`, `empty`, `not_a_video`,
            `sound_only`, `encrypted`, `no_frames`, `no_segment`, `unreachable`,
            `unreadable`; of a decoding process, `timeout` or `crashed`.
    """

    kind = "unreadable"

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind  # type: ignore[misc]  # one class, several stable words


class WeightsError(VswinError):
    """No usable weights."""

    kind = "weights"


class WeightsNotFoundError(WeightsError):
    """The weights file is not where it is looked for."""

    kind = "weights_not_found"


class CheckpointError(WeightsError):
    """The weights file is damaged, or belongs to another model."""

    kind = "checkpoint"


class DownloadError(WeightsError):
    """The weights could not be downloaded whole."""

    kind = "download"


class BackendError(VswinError):
    """The backend is not installed, or cannot run the model."""

    kind = "backend"


class OutputError(VswinError):
    """The results cannot be written where they were asked for."""

    kind = "output"
