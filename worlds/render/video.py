"""Frames to MP4 or GIF through the ffmpeg that imageio-ffmpeg ships, so nothing has to be installed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

ENCODERS = {
    # yuv420p and faststart: plays in every browser.
    ".mp4": "-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -movflags +faststart",
    # One palette, made above all for what moves; no dithering, so that still areas cost nothing.
    ".gif": "-filter_complex split[a][b];[a]palettegen=max_colors=200:stats_mode=diff[p];"
    "[b][p]paletteuse=dither=none:diff_mode=rectangle -loop 0",
}


def write_video(
    frames: Iterable[NDArray[np.uint8]], path: Path | str, fps: float, total: int | None = None
) -> Path:
    """Encode frames uint8 [H, W, 3] (H and W even) to ``path``, whose ending is .mp4 or .gif.

    ``total`` frames are announced to a progress bar (on terminals only); None shows none.

    Raises:
        ValueError: on another ending, no frame, or frames of odd or changing size.
        RuntimeError: with ffmpeg's own words when it fails.
    """
    path = Path(path)
    if path.suffix not in ENCODERS:
        raise ValueError(f"cannot write {path.name!r}: a video ends with {' or '.join(ENCODERS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder: subprocess.Popen[bytes] | None = None
    size: tuple[int, ...] = ()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    silent = total is None or not Console().is_terminal
    with Progress(*columns, TimeRemainingColumn(), disable=silent, transient=True) as progress:
        bar = progress.add_task(f"drawing {path.name}", total=total)
        for frame in frames:
            if encoder is None:
                size = frame.shape
                if len(size) != 3 or size[2] != 3 or size[0] % 2 or size[1] % 2:
                    raise ValueError(f"frames must be [even, even, 3], got {size}")
                encoder = _start_encoder(path, size, fps)
            elif frame.shape != size:
                raise ValueError(f"frames must all have shape {size}, got {frame.shape}")
            try:
                encoder.stdin.write(np.ascontiguousarray(frame).data)  # type: ignore[union-attr]
            except BrokenPipeError:
                break  # ffmpeg gave up; its reason is read below
            progress.advance(bar)
    if encoder is None:
        raise ValueError(f"no frame to write into {path}")
    _, words = encoder.communicate()
    if encoder.returncode:
        raise RuntimeError(f"ffmpeg could not write {path}: {words.decode(errors='replace').strip()}")
    return path


def _start_encoder(path: Path, size: tuple[int, ...], fps: float) -> subprocess.Popen[bytes]:
    height, width = size[:2]
    source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {fps} -i -"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
    command += [*source.split(), *ENCODERS[path.suffix].split(), str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
