"""Video Swin in Keras 3, its checkpoints and the engines that run it."""
