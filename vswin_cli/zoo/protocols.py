"""How a video becomes views: which frames, what size, which crops."""

from dataclasses import dataclass, replace
from enum import StrEnum

from vswin_cli.errors import UsageError


class Sampling(StrEnum):
    """The rule that places the clips."""

    OFFICIAL = "official"  # the published accuracies
    UNIFORM = "uniform"  # one clip spans the video; Something-Something v2
    MMACTION2 = "mmaction2"  # the 1.x successor of the official code
    TORCHVISION = "torchvision"  # at 15 frames per second, centre crops of larger frames


@dataclass(frozen=True)
class ViewProtocol:
    """A test-time protocol: num_clips × num_crops views of clip_len frames."""

    sampling: Sampling
    num_clips: int
    num_crops: int = 3  # 1 is the centre crop
    clip_len: int = 32
    frame_interval: int = 2  # not used by uniform sampling, nor by torchvision's
    crop_size: int = 224  # pixels

    @property
    def num_views(self) -> int:
        """Number of views before equal ones are merged."""
        return self.num_clips * self.num_crops

    def adapted(
        self,
        sampling: Sampling | None = None,
        num_clips: int | None = None,
        num_crops: int | None = None,
    ) -> "ViewProtocol":
        """Return this protocol with the user's choices; None keeps its value.

        Raises:
            UsageError: Uniform sampling has one clip, but several were requested; or the number of
                crops is neither 1 nor 3.
        """
        if num_crops not in (None, 1, 3):
            raise UsageError(f"--crops {num_crops} is neither 1 nor 3")
        sampling = sampling or self.sampling
        if sampling is not self.sampling and Sampling.TORCHVISION in (sampling, self.sampling):
            usual_clips, usual_crops = (12, 1) if sampling is Sampling.TORCHVISION else (4, 3)
            num_clips, num_crops = num_clips or usual_clips, num_crops or usual_crops
            if sampling is Sampling.UNIFORM and num_clips == usual_clips:
                num_clips = 1
        if sampling is Sampling.UNIFORM:
            if num_clips not in (None, 1):
                raise UsageError(
                    f"the uniform protocol has one clip that spans the video, not {num_clips}; "
                    "remove --clips, or use --protocol official"
                )
            num_clips = 1
        return replace(
            self,
            sampling=sampling,
            num_clips=num_clips or self.num_clips,
            num_crops=num_crops or self.num_crops,
        )

    @property
    def short_side(self) -> int:
        """Pixels that a frame's short side is resized to: the crop's, or 256 for 224."""
        return self.crop_size * 8 // 7 if self.sampling is Sampling.TORCHVISION else self.crop_size

    @property
    def rounding(self) -> float:
        """Added to a frame's new long side before it is truncated to whole pixels."""
        return 0.0 if self.sampling is Sampling.TORCHVISION else 0.5

    @property
    def view_size(self) -> tuple[int, int, int]:
        """(T, H, W) of one view."""
        return self.clip_len, self.crop_size, self.crop_size


KINETICS = ViewProtocol(Sampling.OFFICIAL, num_clips=4)
SMALL_KINETICS = ViewProtocol(Sampling.OFFICIAL, num_clips=4, crop_size=96)
TORCHVISION = ViewProtocol(Sampling.TORCHVISION, num_clips=12, num_crops=1)
SOMETHING_SOMETHING = ViewProtocol(Sampling.UNIFORM, num_clips=1)

# Normalisation of RGB frames, ImageNet's.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
