"""Synthetic camera motion: what `swin-n-motion` is trained and tested on."""
