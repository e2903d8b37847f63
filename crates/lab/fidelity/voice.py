"""Makes the speech that is sent: a few sentences by two voices of espeak-ng, the same with every run of one version of it.

48 kHz, one channel, 16 bit; begins and ends quiet, so that it can be played over and over.
"""

import io
import shutil
import subprocess
import wave

import numpy as np
from scipy.signal import resample_poly

RATE = 48_000
EDGE = 0.2  # s of silence at both ends
PAUSE = 0.45  # s between two sentences
LEVEL = 10 ** (-26 / 20)  # of full scale while somebody speaks: the level that ITU-T P.862 was made for

SENTENCES = [
    ("en-gb", "Good morning, can you hear me well?"),
    ("en-us+f3", "Yes, and the picture of your garden is quite sharp."),
    ("en-gb", "We planted seven small apple trees beside the old fence."),
    ("en-us+f3", "Then choose a dry Thursday, and I bring a ladder."),
]


class NotInstalled(Exception):
    """espeak-ng is not on this machine."""


def make(path):
    """Writes the file; how long it is, in seconds."""
    if not shutil.which("espeak-ng"):
        raise NotInstalled("there is no speech without a voice: install espeak-ng")
    parts = [_silence(EDGE)]
    for voice, sentence in SENTENCES:
        parts += [_spoken(voice, sentence), _silence(PAUSE)]
    parts[-1] = _silence(EDGE)
    samples = np.concatenate(parts)
    # Whole packets of 20 ms.
    samples = np.pad(samples, (0, -len(samples) % (RATE // 50)))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return len(samples) / RATE


def _silence(seconds):
    return np.zeros(round(seconds * RATE))


def _spoken(voice, sentence):
    command = ["espeak-ng", "-v", voice, "-s", "172", "--stdout", sentence]
    bytes_ = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(bytes_)) as file:
        # Written to a pipe, the header does not know the length: all that follows counts.
        rate = file.getframerate()
        samples = np.frombuffer(bytes_[bytes_.index(b"data") + 8 :], "<i2") / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.001)
    speech = resample_poly(samples[loud[0] : loud[-1] + 1], RATE, rate)
    return speech * LEVEL / np.sqrt(np.mean(speech**2))
