"""A stand-in for `fsh_core.inference.predict`, told what to do by the name of the weights."""

import sys
import time

import numpy as np

from fsh_core.errors import InputError


class BrainFinder:
    """Never asked: the phantom is skull-stripped."""

    def __init__(self, device):
        pass


def load_predictor(weights, config):
    how = weights.name if weights else ""
    if how == "missing":
        raise InputError(
            "missing: no such file; a checkpoint is a .safetensors file with its .json beside it"
        )
    print("a library that prints")
    return lambda image, on_patch=None: predict(image, on_patch, how)


def predict(image, on_patch, how):
    if how == "broken":
        raise RuntimeError("the network broke")
    if how == "killed":
        sys.stdout.flush()
        import os

        os._exit(9)
    for done in range(1, 5):
        time.sleep(60 if how == "slow" and done == 2 else 0.01)
        on_patch(done, 4)
    bright = image[0] > 0.5
    ramp = np.linspace(0.6, 0.9, image.shape[1], dtype=np.float32)[:, None, None]
    return np.where(bright, ramp, np.float32(0.1))
