"""PESQ (wide band, ITU-T P.862.2) and STOI (Taal and others 2011) of speech that was sent over and over.

Both are taken of every whole repetition that was played, and their means given.
"""

import wave

import numpy as np
from pesq import PesqError, pesq
from pystoi import stoi
from scipy.signal import resample_poly

import alignment

RATE = 16_000  # of both measures
SETTLING = 2  # s that a connection may take to come to itself: not judged
SILENT = 1e-4  # of full scale: less than three steps of 16 bit


def measure(sent_path, received_path):
    """Means over the repetitions, and how many seconds these are."""
    result = {"pesq": None, "stoi": None, "seconds": 0}
    try:
        sent, received = read(sent_path), read(received_path)[SETTLING * RATE :]
        if np.max(np.abs(sent), initial=0) < SILENT:
            raise ValueError("the sound that was sent is silent")
        if np.max(np.abs(received), initial=0) < SILENT:
            raise ValueError("the sound that was received is silent")
        pairs = alignment.repetitions(sent, received, RATE)
    except (OSError, EOFError, wave.Error, ValueError) as error:
        return result | {"reason": str(error)}
    result["seconds"] = round(len(pairs) * len(sent) / RATE, 3)
    reasons = []
    for name, judge in (("pesq", _pesq), ("stoi", _stoi)):
        try:
            result[name] = round(float(np.mean([judge(pair) for pair in pairs])), 4)
        except ValueError as error:
            reasons.append(f"{name}: {error}")
    return result | ({"reason": "; ".join(reasons)} if reasons else {})


def read(path):
    """The samples of a WAV file of one channel and 16 bit, as floats at `RATE`."""
    with wave.open(str(path)) as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path} is not one channel of 16 bit")
        rate, bytes_ = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(bytes_[: len(bytes_) // 2 * 2], "<i2") / 32768
    return resample_poly(samples, RATE, rate) if len(samples) else samples


def _pesq(pair):
    """PESQ finds delays by itself, phrase by phrase: it gets the repetition as it was played."""
    try:
        return pesq(RATE, pair.sent, pair.played, "wb")
    except PesqError as error:
        text = error.args[0] if error.args else error
        raise ValueError(text.decode() if isinstance(text, bytes) else str(text)) from error


def _stoi(pair):
    """STOI does not: it gets every phrase where it was played, so that a change of delay in a pause costs nothing."""
    if np.max(np.abs(pair.phrases)) < SILENT:
        raise ValueError("a whole repetition is silent")
    return stoi(pair.sent, pair.phrases, RATE)
