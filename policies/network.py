"""Deployment of trained networks by ONNX Runtime: numpy in, numpy out, no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


def onnx_session(path: str | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """An ONNX file, ready to run.

    Args:
        threads: for one call; robots run many policies, so the default is 1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no ONNX model.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no ONNX model at {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"{path} is no usable ONNX model: {error}") from error


class OnnxNetwork:
    """One input and one output of an ONNX file.

    Further inputs (recurrent states) are fed zeros where the file has a fixed batch; with a free one their
    sizes are not known, so such a file must have no other inputs.

    Args:
        path: the file.
        output: name of the output; the first if None.
        threads: for one call; fleets run many policies, so the default is 1.

    Attributes:
        input_shape: as declared; a number in its first place is a fixed batch.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no ONNX model, or has no such output.
    """

    def __init__(self, path: str | Path, output: str | None = None, threads: int = 1) -> None:
        self._session = onnx_session(path, threads)
        first, *others = self._session.get_inputs()
        outputs = [o.name for o in self._session.get_outputs()]
        if output is not None and output not in outputs:
            raise ValueError(f"{path} has no output {output!r}, only {outputs}")
        self._input = first.name
        self._output = output or outputs[0]
        self.input_shape = tuple(first.shape)
        self._fixed_batch = isinstance(first.shape[0], int)
        self._zeros = (
            {o.name: np.zeros(o.shape, dtype=np.float32) for o in others} if self._fixed_batch else {}
        )

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """inputs [B, ...] -> output [B, ...]; a file with a fixed batch is called as often as it takes."""
        if not self._fixed_batch:
            return self._run(inputs)
        size = self.input_shape[0]
        return np.concatenate([self._run(inputs[k : k + size]) for k in range(0, len(inputs), size)])

    def _run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run([self._output], {self._input: inputs, **self._zeros})[0]
