"""Finds the whole repetitions of a sound that was sent over and over in what was played, whatever delay and drift there were."""

from typing import NamedTuple

import numpy as np
from scipy.signal import correlate

PAUSE = 0.2  # s of quiet that part two phrases
QUIET = 0.01  # of the loudest 10 ms, in amplitude
WINDOW = 4  # s that are looked for in the sound sent
LIKENESS = 0.2  # correlation from which on a sound is the one sent; chance does not reach 0.1
WANDER = 1  # s that a repetition may be off, by drift or a change of delay
WANDER_PHRASE = 0.3  # s that a phrase may be off its repetition


class Repetition(NamedTuple):
    """One whole repetition, from one pause to the same pause; all of the same length."""

    sent: np.ndarray
    played: np.ndarray
    phrases: np.ndarray  # as played, but each phrase moved to where it was sent


def repetitions(sent, received, rate):
    """All of them, in order; `ValueError` says why there are none."""
    period, wander = len(sent), int(WANDER * rate)
    origin = _origin(sent, received, rate)
    quiet = pauses(sent, rate)
    # Begin in the first pause: so no part of a repetition is lost to where in the sound the call began.
    start, pause = min(((origin + pause) % period, pause) for pause in quiet)
    turned = np.roll(sent, -pause)
    marks = sorted((other - pause) % period for other in quiet) + [period]
    # Room for the search, and for the first repetition to lie a little before what is judged.
    padded = np.pad(received, (wander, period + wander))
    found = []
    for at in range(start, len(received), period):
        off = _lag(turned, padded[at : at + period + 2 * wander])
        begin = at + (0 if off is None else off - wander)
        if begin + period > len(received) + rate // 20 or begin < -rate // 20:
            continue
        phrases = np.concatenate([_phrase(turned, padded, begin + wander, *ends, rate) for ends in zip(marks, marks[1:])])
        found.append(Repetition(turned, padded[begin + wander :][:period], phrases))
    if not found:
        raise ValueError(f"no whole repetition of {period / rate:.1f} s was played")
    return found


def pauses(sound, rate):
    """The middles of its pauses; its beginning counts as one."""
    block = rate // 100
    levels = np.sqrt(np.mean(sound[: len(sound) // block * block].reshape(-1, block) ** 2, axis=1))
    loud = np.flatnonzero(levels > QUIET * np.max(levels))
    gaps = [(left + 1, right) for left, right in zip(loud, loud[1:]) if (right - left - 1) * block >= PAUSE * rate]
    return [0] + [int(left + right) // 2 * block for left, right in gaps]


def _phrase(sent, padded, begin, first, last, rate):
    """What was played of the phrase `first..last` of the repetition that begins there."""
    wander = int(WANDER_PHRASE * rate)
    off = _lag(sent[first:last], padded[begin + first - wander : begin + last + wander])
    at = begin + first + (0 if off is None else off - wander)
    return padded[at : at + last - first]


def _lag(wanted, within):
    """Where it lies best in the longer sound; `None` when it is not in it."""
    likeness = correlate(within, wanted, "valid", "fft")
    best = int(np.argmax(likeness))
    there = within[best : best + len(wanted)]
    return best if likeness[best] > LIKENESS * _norm(there) * _norm(wanted) else None


def _origin(sent, received, rate):
    """A sample of what was received, modulo the length of the sound, at which the sound began; by the clearest window."""
    length = min(WINDOW * rate, len(sent), len(received))
    # The sound follows itself: a window may lie across its end.
    twice = np.concatenate([sent, sent])
    energy = np.concatenate([[0], np.cumsum(twice**2)])
    norms = np.sqrt(energy[length:] - energy[:-length])
    clearest, origin = 0, None
    for at in range(0, len(received) - length + 1, length):
        window = received[at : at + length]
        likeness = correlate(twice, window, "valid", "fft") / np.maximum(norms * _norm(window), 1e-9)
        best = int(np.argmax(likeness))
        if likeness[best] > clearest:
            clearest, origin = likeness[best], (at - best) % len(sent)
    if clearest < LIKENESS:
        raise ValueError("what was received is not the sound that was sent")
    return origin


def _norm(sound):
    return float(np.sqrt(np.sum(sound**2)))
