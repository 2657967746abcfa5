"""How sure a share is: 95 % intervals, for shares and for means of shares."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

_Z = NormalDist().inv_cdf(0.975)
METHOD = "95 % intervals: Wilson's; of the mean class accuracy, the classes' combined by MOVER"


@dataclass(frozen=True)
class Share:
    """A share, from 0 to 1, and its 95 % interval."""

    value: float
    low: float
    high: float


def share(successes: int, total: int) -> Share:
    """The share of successes, with Wilson's score interval (Wilson 1927).

    Args:
        successes: 0 to `total`.
        total: At least 1.
    """
    value = successes / total
    centre = value + _Z**2 / (2 * total)
    reach = _Z * sqrt(value * (1 - value) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == total else (centre + reach) / scale
    return Share(value, low, high)


def mean_share(successes: np.ndarray, totals: np.ndarray) -> Share:
    """The mean of several shares, which count alike however many each is of.

    The interval adds the squared distances of each share to its own ends (MOVER, the method of
    variance estimates recovery, Zou and Donner 2008), so that it keeps a width where every share
    is 1.

    Args:
        successes: int (shares,).
        totals: int (shares,), each at least 1.
    """
    shares = [share(int(s), int(t)) for s, t in zip(successes, totals, strict=True)]
    value = sum(each.value for each in shares) / len(shares)
    below = sqrt(sum((each.value - each.low) ** 2 for each in shares)) / len(shares)
    above = sqrt(sum((each.high - each.value) ** 2 for each in shares)) / len(shares)
    return Share(value, max(value - below, 0.0), min(value + above, 1.0))
