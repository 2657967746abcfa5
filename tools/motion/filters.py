"""A start for the patch embedding: filters that are tuned to motion.

Direction of motion is a product of features, which a random start takes long to find.
Pairs of filters in quadrature, oriented in space and time, hold it in their energies.

Source: Adelson and Bergen, Spatiotemporal energy models for the perception of motion, 1985.
"""

from itertools import product

import numpy as np

from vswin_cli.zoo.architectures import Architecture

Rng = np.random.Generator

# Wavelength in pixels, cycles a frame; each gives 4 orientations × 2 directions × 2 phases.
_TUNINGS = ((5.0, 0.1), (9.0, 0.1), (9.0, 0.25))


def motion_kernel(rng: Rng, architecture: Architecture) -> np.ndarray:
    """Compute the patch embedding's kernel, float32 (*patch, 3, embed_dim).

    Beside the motion filters: means and gradients of brightness, and how they change; random
    numbers for the rest.
    """
    t, y, x = np.meshgrid(
        *(np.arange(size) - (size - 1) / 2 for size in architecture.patch), indexing="ij"
    )
    window = np.exp(-(x**2) / (2 * 2.6**2) - y**2 / (2 * 2.6**2) - t**2 / (2 * 1.5**2))
    filters = []
    for (wavelength, rate), orientation in product(_TUNINGS, np.arange(4) * np.pi / 4):
        along = (np.cos(orientation) * x + np.sin(orientation) * y) / wavelength
        for direction, phase in product((1, -1), (0, np.pi / 2)):
            wave = np.cos(2 * np.pi * (along - direction * rate * t) + phase)
            filters.append((wave - (wave * window).sum() / window.sum()) * window)
    gains = [1.0] * len(filters)
    for space, time in product((np.ones_like(x), x, y), (np.ones_like(t), t, t**2 - (t**2).mean())):
        filters.append(space * time)
        gains.append(0.15 if space is not x and space is not y else 0.5)
    kernel = rng.standard_normal((*architecture.patch, 3, architecture.embed_dim))
    kernel *= 0.5 / np.linalg.norm(kernel.reshape(-1, architecture.embed_dim), axis=0)
    for number, (tuned, gain) in enumerate(zip(filters, gains, strict=True)):
        gray = np.repeat((tuned * gain / np.linalg.norm(tuned))[..., np.newaxis], 3, axis=-1)
        kernel[..., number] = gray / 3
    return kernel.astype(np.float32)
