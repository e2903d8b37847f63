"""VMAF of the pictures that a caller kept, against the pictures of the scene that were filmed for them.

The model is vmaf_v0.6.1 (Netflix; a television, 1080 lines, seen from three heights), by libvmaf in imageio-ffmpeg's ffmpeg.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np

MODEL = "vmaf_v0.6.1"
BATCH = 16  # pictures in one go of libvmaf: at 1280x720 two files of 66 MB each
STAMP_COLUMNS = 40  # the stamp is two cells high, a cell is that part of the width


class NotInstalled(Exception):
    """ffmpeg or its libvmaf is not there."""


def measure(scene_path, size, folder):
    """Mean and least VMAF, and how many pictures they are of."""
    ffmpeg = _ffmpeg()
    try:
        scene = _scene(scene_path, size)
        kept = _kept(Path(folder) / "kept")
        if not kept:
            raise ValueError("no picture was kept")
        scores = []
        for at in range(0, len(kept), BATCH):
            scores += _scores(ffmpeg, scene, size, kept[at : at + BATCH])
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return {"vmaf_mean": None, "vmaf_min": None, "pictures": 0, "reason": _reason(error)}
    return {"vmaf_mean": round(float(np.mean(scores)), 3), "vmaf_min": round(min(scores), 3), "pictures": len(scores)}


def hidden(width):
    """Rows from the top that are not compared, an even number: the stamp, and half a cell that scaling smears it over."""
    return -(-5 * width // (2 * STAMP_COLUMNS)) + 1 & ~1


def position(index, count):
    """The place in the scene of the picture with this number: forwards, then backwards; the ends are not shown twice."""
    turn = max(1, 2 * (count - 1))
    return min(index % turn, turn - index % turn)


def _ffmpeg():
    try:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        filters = _run([ffmpeg, "-hide_banner", "-filters"]).decode()
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        raise NotInstalled(f"the ffmpeg of imageio-ffmpeg does not run: {_reason(error)}") from error
    if " libvmaf " not in filters:
        raise NotInstalled(f"{ffmpeg} has no libvmaf; install the version in requirements.txt")
    return ffmpeg


def _scene(path, size):
    width, height = size
    if hidden(width) + 64 > height:
        raise ValueError("nothing is left to compare below the stamp")
    length = width * height * 3 // 2
    scene = np.memmap(path, np.uint8, "r")
    if len(scene) % length:
        raise ValueError("the scene was drawn at another size")
    return scene.reshape(-1, length)


def _kept(folder):
    """(number, size, file) in the order of the numbers; what was cut off is left out, as the judge of SSIM does."""
    kept = []
    for path in folder.glob("*.i420"):
        match = re.fullmatch(r"(\d+)-([1-9]\d*)x([1-9]\d*)", path.stem)
        if match:
            index, width, height = (int(part) for part in match.groups())
            if path.stat().st_size >= _length(width, height):
                kept.append((index, (width, height), path))
    return sorted(kept)


def _length(width, height):
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def _scores(ffmpeg, scene, size, kept):
    """VMAF of each kept picture.

    VMAF weighs with the motion from and to the neighbouring pictures of the source. They were not kept; so every picture
    stands between the source's own neighbours, in both sequences, and only the middle of the three is read.
    """
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "sent.i420", "wb") as sent, open(Path(folder) / "came.i420", "wb") as came:
            for index, from_size, path in kept:
                before, filmed, after = (scene[position(index + step, len(scene))].tobytes() for step in (-1, 0, 1))
                sent.write(before + filmed + after)
                came.write(before + _scaled(ffmpeg, path, from_size, size) + after)
        width, height = size
        raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "30"]
        crop = f"crop={width}:{height - hidden(width)}:0:{hidden(width)}"
        judge = f"libvmaf=model=version={MODEL}:log_fmt=json:log_path=vmaf.json"
        graph = f"[0:v]{crop}[came];[1:v]{crop}[sent];[came][sent]{judge}"
        inputs = [*raw, "-i", "came.i420", *raw, "-i", "sent.i420"]
        _run([ffmpeg, "-nostdin", "-v", "error", *inputs, "-filter_complex", graph, "-f", "null", "-"], cwd=folder)
        frames = json.loads((Path(folder) / "vmaf.json").read_text())["frames"]
    if len(frames) != 3 * len(kept):
        raise ValueError(f"libvmaf compared {len(frames)} pictures instead of {3 * len(kept)}")
    return [frame["metrics"]["vmaf"] for frame in frames[1::3]]


def _scaled(ffmpeg, path, from_size, size):
    """A kept picture at the scene's size."""
    picture = path.read_bytes()[: _length(*from_size)]
    if from_size == size:
        return picture
    source, target = (f"{width}x{height}" for width, height in (from_size, size))
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
    scale = ["-vf", f"scale={target.replace('x', ':')}:flags=bicubic"]
    return _run([ffmpeg, "-v", "error", *raw, "-s", source, "-i", "-", *scale, *raw, "-"], input=picture)


def _run(command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def _reason(error):
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        return f"ffmpeg failed: {lines[-1] if lines else error.returncode}"
    return str(error)
