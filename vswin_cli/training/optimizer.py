"""AdamW with a learning rate and decay per variable, on every Keras backend.

Scaling a gradient has no effect, because Adam divides by its size; the step must be scaled.
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
        peak: Highest rate.
        warmup_steps: Steps in which the rate rises.
        num_steps: Total number of steps.
    """

    def __init__(self, peak: float, warmup_steps: int, num_steps: int) -> None:
        super().__init__()
        self.peak = peak
        self.warmup_steps = max(warmup_steps, 1)
        self.num_steps = num_steps

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        rising = (step + 1) / self.warmup_steps
        share = (step - self.warmup_steps) / max(self.num_steps - self.warmup_steps, 1)
        share = ops.minimum(ops.maximum(share, 0.0), 1.0)
        falling = 0.01 + 0.99 * 0.5 * (1 + ops.cos(math.pi * share))
        return self.peak * ops.minimum(rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration of this schedule."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "num_steps": self.num_steps,
        }


class LayerwiseAdamW(keras.optimizers.Adam):
    """AdamW with a share of the learning rate and a weight decay for every variable.

    Args:
        schedule: Learning rate schedule.
        shares: Shares of the learning rate, in the order of the variables.
        decays: Weight decays, in the order of the variables; a step subtracts decay times rate.
        beta_2: Share of the mean squared gradient that a step keeps.
        clip: Largest norm of the gradient over all variables.
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
        """Take a step; TensorFlow's sparse gradients for lookup tables are made dense."""
        super().apply(list(map(_whole, grads)), trainable_variables)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:  # noqa: ANN401
        """Update one variable."""
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
    """Return the share of the learning rate for a variable."""
    return 1.0 if path.startswith("head/") else backbone_lr


def decay_of(path: str, weight_decay: float) -> float:
    """Return the weight decay of a variable: 0 for biases, norms and bias tables."""
    return weight_decay if path.endswith("kernel") else 0.0
