"""Every error a user can meet.

VswinError
├── UsageError            the command cannot do what was asked (exit code 2)
│   ├── UnknownModelError
│   └── ModelFileError    a custom model's file is wrong
├── VideoError            one video cannot be labelled; others may be fine
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
    """Base of all errors; the message says in one line what happened, why, and what to do.

    `kind` is a stable word for the error, for programs. `exit_code` is the exit code of a process
    that ends with this error.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        text = super().__str__()  # it may repeat long names from a stranger's file
        return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


class UsageError(VswinError):
    """Options contradict each other, or name something that does not exist."""

    kind = "usage"
    exit_code = 2


class UnknownModelError(UsageError):
    """No model has this name."""

    kind = "unknown_model"


class ModelFileError(UsageError):
    """The file of a custom model is wrong or incomplete."""

    kind = "model_file"


class VideoError(VswinError):
    """A video cannot be labelled.

    Args:
        message: One line for the user.
        kind: One of `missing`, `not_a_file`, `permission`, `empty`, `not_a_video`,
            `sound_only`, `encrypted`, `no_frames`, `no_segment`, `unreachable`,
            `unreadable`; in a decoding process also `timeout` or `crashed`.
    """

    kind = "unreadable"

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind  # type: ignore[misc]  # one class, several stable words


class WeightsError(VswinError):
    """The weights cannot be used."""

    kind = "weights"


class WeightsNotFoundError(WeightsError):
    """The weights file is missing."""

    kind = "weights_not_found"


class CheckpointError(WeightsError):
    """The weights file is damaged, or belongs to another model."""

    kind = "checkpoint"


class DownloadError(WeightsError):
    """The weights could not be downloaded completely."""

    kind = "download"


class BackendError(VswinError):
    """The backend is not installed, or cannot run the model."""

    kind = "backend"


class OutputError(VswinError):
    """The results cannot be written."""

    kind = "output"
