"""Synthetic camera motion, on which `swin-n-motion` is trained and tested."""
