"""The geometry of shifted-window attention, as constants that are computed once.

Sizes and positions are (T, H, W), in tokens.

Source: Liu et al., Video Swin Transformer, CVPR 2022, section 3.2, and its published code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from vswin_cli.zoo.architectures import Size


@dataclass(frozen=True)
class WindowGrid:
    """The padding, shift and attention windows of a grid of tokens.

    Build it with `of`, which applies the rules for small grids.
    """

    padded: Size  # the grid, rounded up to whole windows
    window: Size
    shift: Size  # (0, 0, 0) if the windows are not shifted

    @classmethod
    def of(cls, tokens: Size, window: Size, *, shifted: bool) -> "WindowGrid":
        """Clamp the window to the grid; an axis covered by one window is never shifted."""
        covered = tuple(have <= side for have, side in zip(tokens, window, strict=True))
        clamped = tuple(map(min, tokens, window))
        return cls(
            padded=_size(
                ceil(have / side) * side for have, side in zip(tokens, clamped, strict=True)
            ),
            window=_size(clamped),
            shift=_size(
                side // 2 if shifted and not whole else 0
                for side, whole in zip(window, covered, strict=True)
            ),
        )

    @property
    def counts(self) -> Size:
        """Number of windows along each axis."""
        return _size(have // side for have, side in zip(self.padded, self.window, strict=True))

    @property
    def num_tokens(self) -> int:
        """Number of tokens per window."""
        return prod(self.window)

    def apart(self) -> np.ndarray | None:
        """Return which tokens are in one window only because of the shift's wrap-around.

        Returns:
            bool (windows, tokens, tokens), true for pairs to keep apart; None without a shift.
        """
        if not any(self.shift):
            return None
        regions = self.regions()
        return np.asarray(regions[:, :, np.newaxis] != regions[:, np.newaxis, :])

    def groups(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Group the windows by their pairs to keep apart; most have none.

        Returns:
            For each group, the numbers of its windows, and their pairs to keep apart: bool
            (tokens, tokens).
        """
        apart = self.apart()
        if apart is None:
            return [(np.arange(prod(self.counts)), np.zeros((self.num_tokens,) * 2, bool))]
        kinds = dict.fromkeys(each.tobytes() for each in apart)
        windows = [[n for n, each in enumerate(apart) if each.tobytes() == kind] for kind in kinds]
        return [(np.array(numbers), apart[numbers[0]]) for numbers in windows]

    def tokens(self) -> np.ndarray:
        """Number the tokens of the padded grid, by window: int64 (windows, tokens)."""
        numbers = np.arange(prod(self.padded)).reshape(self.padded)
        return self._cut(np.roll(numbers, [-shift for shift in self.shift], (0, 1, 2)))

    def regions(self) -> np.ndarray:
        """Number the regions that a shift's wrap-around keeps apart: int64 (windows, tokens)."""
        region = np.zeros(self.padded, np.int64)  # (T, H, W): 27 of them, numbered in base 3
        for axis, (side, shift) in enumerate(zip(self.window, self.shift, strict=True)):
            position = np.arange(self.padded[axis])
            from_end = self.padded[axis] - position
            part = (from_end <= side).astype(np.int64) + (from_end <= shift)
            region = 3 * region + np.expand_dims(
                part, [other for other in range(3) if other != axis]
            )
        return self._cut(region)

    def _cut(self, values: np.ndarray) -> np.ndarray:
        """Rearrange one value per token, (T, H, W), by window: (windows, tokens)."""
        nt, nh, nw = self.counts
        wt, wh, ww = self.window
        cut = values.reshape(nt, wt, nh, wh, nw, ww).transpose(0, 2, 4, 1, 3, 5)
        return cut.reshape(nt * nh * nw, self.num_tokens)


def bias_index(window: Size, num_tokens: int) -> np.ndarray:
    """Compute the row of the relative position bias table for every pair of tokens.

    The published models number the tokens of the *whole* window and take the first `num_tokens`,
    even if a small input has clamped the window; this function does the same.

    Args:
        window: Window of the architecture, which determines the rows of the table.
        num_tokens: Tokens of the window in use.

    Returns:
        int32 (num_tokens, num_tokens), each below (2·wT−1)(2·wH−1)(2·wW−1).
    """
    positions = np.indices(window).reshape(3, -1)[:, :num_tokens]  # (3, tokens)
    distance = positions[:, :, np.newaxis] - positions[:, np.newaxis, :]  # (3, tokens, tokens)
    t, h, w = distance + np.reshape(window, (3, 1, 1)) - 1
    _, wh, ww = window
    return np.asarray((t * (2 * wh - 1) + h) * (2 * ww - 1) + w, np.int32)


def _size(sides: Iterable[int]) -> Size:
    t, h, w = sides
    return t, h, w
