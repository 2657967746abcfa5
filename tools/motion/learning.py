"""One training step, and what is kept between steps."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from motion.batches import Batch
from motion.filters import motion_kernel
from motion.motions import LABELS, NUM_AXES
from motion.scenes import FLOW_CELLS
from vswin_cli.network.checkpoint import read_checkpoint, save_checkpoint
from vswin_cli.network.video_swin import VideoSwinClassifier
from vswin_cli.zoo.architectures import Architecture, Size
from vswin_cli.zoo.protocols import MEAN, STD

WEIGHT_DECAY = 0.02
AVERAGED = 0.998  # share of the moving average that a step keeps


class Learner:
    """The classifier, its optimiser, and the moving average of its variables, which is the result.

    Two helpers learn along and are then dropped: one names the motion's four numbers from the
    pooled features, one the flow at every token. Both tell the network what to look at.

    Args:
        architecture: Of the backbone.
        view_size: (T, H, W).
        seed: Of the first weights.
    """

    def __init__(self, architecture: Architecture, view_size: Size, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.architecture = architecture
        self.classifier = VideoSwinClassifier(architecture, view_size, len(LABELS))
        [kernel] = [v for v in self.classifier.variables if v.path == "patch_embedding/kernel"]
        kernel.assign(motion_kernel(np.random.default_rng(seed), architecture))
        tokens = self.classifier.backbone.output
        pooled = keras.layers.GlobalAveragePooling3D()(tokens)
        self.network = keras.Model(
            self.classifier.input,
            [
                self.classifier.output,
                keras.layers.Dense(NUM_AXES, name="motion")(pooled),
                keras.layers.Dense(2, name="flow")(tokens),
            ],
        )
        assert tokens.shape[2] == FLOW_CELLS
        self.variables = self.network.trainable_variables
        self.optimizer = keras.optimizers.AdamW(
            1e-3, weight_decay=WEIGHT_DECAY, beta_2=0.98, clipnorm=1.0
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(self.variables)
        self.average = [tf.Variable(variable.numpy()) for variable in self.variables]
        self.step = 0
        self._compiled = tf.function(self._learn, jit_compile=False)

    def learn(self, batch: Batch, learning_rate: float) -> tuple[float, float]:
        """Take a step; return the cross entropy and the share of right classes."""
        self.optimizer.learning_rate.assign(learning_rate)
        kept = min(AVERAGED, (1 + self.step) / (10 + self.step))
        entropy, right = self._compiled(
            tf.constant(batch.frames), tf.constant(batch.labels), tf.constant(batch.motions),
            tf.constant(batch.flows), tf.constant(kept, tf.float32),
        )  # fmt: skip
        self.step += 1
        return float(entropy), float(right)

    def _learn(
        self, frames: tf.Tensor, labels: tf.Tensor, motions: tf.Tensor, flows: tf.Tensor,
        kept: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:  # fmt: skip
        pixels = (tf.cast(frames, tf.float32) - MEAN) / STD
        with tf.GradientTape() as tape:
            logits, motion, flow = self.network(pixels, training=True)
            entropy = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            )
            loss = (
                entropy
                + 0.3 * _huber(motion - _signed_log(motions, 0.02))
                + 0.5 * _huber(flow - _signed_log(flows, 0.25))
            )
        gradients = tape.gradient(loss, self.variables)
        self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        for average, variable in zip(self.average, self.variables, strict=True):
            average.assign(kept * average + (1 - kept) * variable)
        right = tf.cast(tf.argmax(logits, -1, tf.int32) == labels, tf.float32)
        return entropy, tf.reduce_mean(right)

    def swap_average(self) -> None:
        """Exchange the variables and their moving average."""
        for average, variable in zip(self.average, self.variables, strict=True):
            values = variable.numpy()
            variable.assign(average)
            average.assign(values)

    def classify(self, frames: np.ndarray, batch_size: int = 30) -> np.ndarray:
        """Compute the logits (B, num_classes) of uint8 views."""
        batches = [
            self.classifier.predict_on_batch(
                (frames[start : start + batch_size] - np.float32(MEAN)) / np.float32(STD)
            )
            for start in range(0, len(frames), batch_size)
        ]
        return np.concatenate(batches)

    def save(self, path: Path) -> None:
        """Keep all that a later run needs to go on."""
        parts = {"step": np.array(self.step)}
        for name, tensors in self._state().items():
            parts |= {f"{name}{index}": tensor.numpy() for index, tensor in enumerate(tensors)}
        temporary = path.with_suffix(".new.npz")
        np.savez(temporary, **parts)
        temporary.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from where `save` was called."""
        with np.load(path) as parts:
            self.step = int(parts["step"])
            for name, tensors in self._state().items():
                for index, tensor in enumerate(tensors):
                    tensor.assign(parts[f"{name}{index}"])

    def _state(self) -> dict[str, list]:
        return {
            "variable": self.variables,
            "average": self.average,
            "optimizer": self.optimizer.variables,
        }

    def grow_from(self, path: Path, architecture: Architecture) -> None:
        """Take over the weights of a shallower network; further blocks start by adding nothing."""
        weights = read_checkpoint(path, architecture, len(LABELS))
        for variable in self.classifier.variables:
            if variable.path in weights:
                variable.assign(weights[variable.path].reshape(variable.shape))
            elif variable.path.endswith(("projection/kernel", "reduce/kernel")):
                variable.assign(np.zeros(variable.shape))
        for average, variable in zip(self.average, self.variables, strict=True):
            average.assign(variable)

    def write_weights(self, path: Path) -> None:
        """Write the classifier's variables in the layout of the published files, as float16."""
        weights = {
            variable.path: variable.numpy().astype(np.float16)
            for variable in self.classifier.variables
        }
        save_checkpoint(path, weights, self.architecture, len(LABELS))


def _signed_log(values: tf.Tensor, unit: float) -> tf.Tensor:
    return tf.sign(values) * tf.math.log1p(tf.abs(values) / unit)


def _huber(error: tf.Tensor) -> tf.Tensor:
    size = tf.abs(error)
    return tf.reduce_mean(tf.where(size < 1, 0.5 * size**2, size - 0.5))
