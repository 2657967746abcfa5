"""How a video becomes views: which frames, what size, which crops."""

from dataclasses import dataclass, replace
from enum import StrEnum

from vswin_cli.errors import UsageError


class Sampling(StrEnum):
    """The rule that places the clips."""

    OFFICIAL = "official"  # the published accuracies
    UNIFORM = "uniform"  # one clip spans the video; Something-Something v2
    MMACTION2 = "mmaction2"  # the 1.x successor of the official code


@dataclass(frozen=True)
class ViewProtocol:
    """A test-time protocol: num_clips × num_crops views of clip_len frames."""

    sampling: Sampling
    num_clips: int
    num_crops: int = 3  # 1 is the centre crop
    clip_len: int = 32
    frame_interval: int = 2  # not used by uniform sampling
    crop_size: int = 224  # pixels; the frame's short side is resized to it

    @property
    def num_views(self) -> int:
        """Views before equal ones are merged."""
        return self.num_clips * self.num_crops

    def adapted(
        self,
        sampling: Sampling | None = None,
        num_clips: int | None = None,
        num_crops: int | None = None,
    ) -> "ViewProtocol":
        """This protocol with what the user chose put in; None keeps what it has.

        Raises:
            UsageError: Several clips were asked of uniform sampling, which has one.
        """
        sampling = sampling or self.sampling
        if sampling is Sampling.UNIFORM:
            if num_clips not in (None, 1):
                raise UsageError(
                    f"the uniform protocol has one clip that spans the video, not {num_clips}; "
                    "leave --clips out or take --protocol official"
                )
            num_clips = 1
        return replace(
            self,
            sampling=sampling,
            num_clips=num_clips or self.num_clips,
            num_crops=num_crops or self.num_crops,
        )

    @property
    def view_size(self) -> tuple[int, int, int]:
        """(T, H, W) of one view."""
        return self.clip_len, self.crop_size, self.crop_size


KINETICS = ViewProtocol(Sampling.OFFICIAL, num_clips=4)
SMALL_KINETICS = ViewProtocol(Sampling.OFFICIAL, num_clips=4, crop_size=96)
SOMETHING_SOMETHING = ViewProtocol(Sampling.UNIFORM, num_clips=1)

# Normalisation of RGB frames, ImageNet's.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
