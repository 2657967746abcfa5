"""AdamW whose learning rate and decay differ from variable to variable, on every Keras backend.

A gradient that is scaled changes nothing here, since Adam divides by its size; the step itself has
to be scaled.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly, then fall along half a cosine to a hundredth.

    Args:
        peak: The highest rate.
        warmup_steps: In which it rises.
        num_steps: In all.
    """

    def __init__(self, peak: float, warmup_steps: int, num_steps: int) -> None:
        super().__init__()
        self.peak = peak
        self.warmup_steps = max(warmup_steps, 1)
        self.num_steps = num_steps

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of a step, from 0."""
        step = ops.cast(step, "float32")
        rising = (step + 1) / self.warmup_steps
        share = (step - self.warmup_steps) / max(self.num_steps - self.warmup_steps, 1)
        share = ops.minimum(ops.maximum(share, 0.0), 1.0)
        falling = 0.01 + 0.99 * 0.5 * (1 + ops.cos(math.pi * share))
        return self.peak * ops.minimum(rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Keep what makes the same schedule."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "num_steps": self.num_steps,
        }


class LayerwiseAdamW(keras.optimizers.Adam):
    """AdamW with a share of the learning rate, and a decay, for every variable.

    Args:
        schedule: Of the learning rate.
        shares: Of the learning rate, in the order of the variables.
        decays: Weight decay likewise; what is taken off per step is this, times the rate.
        beta_2: Share of the mean squared gradient that a step keeps.
        clip: Longest gradient over all variables.
    """

    def __init__(
        self,
        schedule: WarmupCosine,
        shares: Sequence[float],
        decays: Sequence[float],
        beta_2: float = 0.999,
        clip: float = 1.0,
    ) -> None:
        super().__init__(schedule, beta_1=0.9, beta_2=beta_2, epsilon=1e-8, global_clipnorm=clip)
        self.shares = list(shares)
        self.decays = list(decays)

    def apply(self, grads: Sequence[Tensor], trainable_variables: Any = None) -> None:  # noqa: ANN401
        """Take a step; TensorFlow's gradients of tables that rows are taken of are made whole."""
        super().apply(list(map(_whole, grads)), trainable_variables)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:  # noqa: ANN401
        """Take one variable's step."""
        number = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self.shares[number]
        if self.decays[number]:
            self.assign_sub(variable, ops.multiply(variable, rate * self.decays[number]))
        super().update_step(gradient, variable, rate)


def _whole(gradient: Tensor) -> Tensor:
    if not hasattr(gradient, "dense_shape"):
        return gradient
    import tensorflow  # noqa: PLC0415 - whose gradient it is

    return tensorflow.convert_to_tensor(gradient)


def share_of(path: str, backbone_lr: float) -> float:
    """The share of the learning rate that a variable has."""
    return 1.0 if path.startswith("head/") else backbone_lr


def decay_of(path: str, weight_decay: float) -> float:
    """The weight decay of a variable: none of biases, norms and bias tables."""
    return weight_decay if path.endswith("kernel") else 0.0
