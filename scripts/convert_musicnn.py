"""Write MusiCNN's published weights (MTT_musicnn) in this project's form, from the wheel on PyPI.

    pip download musicnn==0.1.0 --no-deps
    python -m venv tf && tf/bin/pip install tensorflow-cpu==2.15.1
    tf/bin/python scripts/convert_musicnn.py read musicnn-0.1.0-py3-none-any.whl variables.npz
    python scripts/convert_musicnn.py write variables.npz megami/presets/small

The checkpoint is TensorFlow's, which lives beside numpy 1 only, so it reads the variables in an environment of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
NORMS = (
    "input_norm", "timbral_norms.0", "timbral_norms.1", "temporal_norms.0", "temporal_norms.1", "temporal_norms.2",
    "middle_norms.0", "middle_norms.1", "middle_norms.2", "pooled_norm", "dense_norm",
)  # fmt: skip
CONVOLUTIONS = (
    "timbral.0", "timbral.1", "temporal.0", "temporal.1", "temporal.2", "middle.0", "middle.1", "middle.2",
)  # fmt: skip
DENSE = ("dense", "tags")


def numbered(name: str, index: int) -> str:
    """TensorFlow's name of the n-th layer of a kind: the first has no number."""
    return name if index == 0 else f"{name}_{index}"


def read(wheel: Path, out: Path) -> None:
    """Take the variables that are no state of the optimiser out of the wheel (with TensorFlow)."""
    import tensorflow

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if "/MTT_musicnn/" in name])
        reader = tensorflow.compat.v1.train.NewCheckpointReader(f"{folder}/musicnn/MTT_musicnn/")
        names = [name for name in reader.get_variable_to_shape_map() if "Adam" not in name and "power" not in name]
        np.savez(out, **{name: reader.get_tensor(name) for name in names})


def state_of(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename and turn the variables: kernels are [height, width, in, out] there and [out, in, height, width] here."""
    state = {}
    for index, name in enumerate(NORMS):
        for ours, theirs in NORM.items():
            state[f"{name}.{ours}"] = variables[f"{numbered('batch_normalization', index)}/{theirs}"]
    for index, name in enumerate(CONVOLUTIONS):
        kernel = variables[f"{numbered('conv2d', index)}/kernel"].transpose(3, 2, 0, 1)
        # Middle layers look at all channels of a frame, as an image of one channel: here they are channels.
        state[f"{name}.weight"] = kernel[:, 0].transpose(0, 2, 1) if name.startswith("middle") else kernel
        state[f"{name}.bias"] = variables[f"{numbered('conv2d', index)}/bias"]
    for index, name in enumerate(DENSE):
        state[f"{name}.weight"] = variables[f"{numbered('dense', index)}/kernel"].T
        state[f"{name}.bias"] = variables[f"{numbered('dense', index)}/bias"]
    return state


def write(variables: Path, folder: Path) -> None:
    """Store the network as a file of weights."""
    import torch

    from megami.adaptation import MusiCNN
    from megami.presets import save_network

    with np.load(variables, allow_pickle=False) as file:
        state = {name: torch.from_numpy(value.copy()) for name, value in state_of(dict(file)).items()}
    network = MusiCNN()
    counters = {name: value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")}
    network.load_state_dict(state | counters)
    words = {
        "data": {"recordings": "MagnaTagATune, real music; trained by the authors of MusiCNN"},
        "recipe": {"command": "scripts/convert_musicnn.py", "source": "PyPI musicnn 0.1.0, MTT_musicnn"},
        "licence": "ISC, see NOTICE_musicnn.md",
    }
    print(save_network(folder, "musicnn", network, words))


def main() -> None:
    """Run the step that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("read", "write"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    chosen = parser.parse_args()
    (read if chosen.step == "read" else write)(chosen.source, chosen.target)


if __name__ == "__main__":
    sys.exit(main())
