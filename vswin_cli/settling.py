"""When the most probable class of a video is settled before all its views have been computed."""

import numpy as np

_UNITS = 2.0**40  # sums of whole units stay exact in float64, so that no rounding decides


def is_settled(probabilities: np.ndarray, weights: np.ndarray, weight_left: int) -> bool:
    """Whether no outcome of the remaining views can give another class the greatest mean.

    A view that has not been computed adds at most its weight to a rival, and at least nothing to
    the class that leads. Of equal means, that of the lower class index ranks first.

    Args:
        probabilities: (views, num_classes), each in [0, 1], of the views that have been computed.
        weights: int (views,), of the same.
        weight_left: Of all the others together.
    """
    if not weight_left:
        return True
    scaled = probabilities.astype(np.float64) * _UNITS  # exact: a power of two
    leader = int(np.argmax(weights @ scaled))
    least = weights @ np.floor(scaled[:, leader])
    greatest = weights @ np.ceil(scaled) + weight_left * _UNITS  # (num_classes,): of the rivals
    return bool((greatest[:leader] < least).all() and (greatest[leader + 1 :] <= least).all())
