"""Stamped pictures and marked sound as tracks, paced by absolute due times."""

import asyncio
import time
import wave
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame, VideoFrame

import stamp
from record import SAMPLE_RATE, unix_us

CHUNK = 960  # samples: 20 ms, an Opus packet


async def _until(due):
    ahead = due - time.monotonic()
    if ahead > 0:
        await asyncio.sleep(ahead)


class Camera(MediaStreamTrack):
    """The scene, forwards, then backwards, and so on; each picture stamped when it is captured."""

    kind = "video"

    def __init__(self, scene, size, fps, pause, record):
        super().__init__()
        width, height = size
        self.size, self.fps, self.pause, self.record = size, fps, pause, record
        pictures = np.fromfile(scene, np.uint8)
        length = width * height * 3 // 2
        self.pictures = pictures[: len(pictures) // length * length].reshape(-1, height * 3 // 2, width)
        self.start = None
        self.slot = 0
        self.index = 0

    async def recv(self):
        now = time.monotonic()
        if self.start is None:
            self.start = now
        else:
            # A camera that was held up has lost pictures; it does not send two at once.
            self.slot = max(self.slot + 1, int((now - self.start) * self.fps))
            if self.pause[0] <= self.slot / self.fps < self.pause[1]:
                self.slot = round(self.pause[1] * self.fps)
            await _until(self.start + self.slot / self.fps)
        width, height = self.size
        turn = max(1, 2 * (len(self.pictures) - 1))
        at = self.index % turn
        picture = self.pictures[min(at, turn - at)]
        planes = picture.reshape(-1)[width * height :].reshape(2, height // 2, width // 2)
        captured_us = unix_us()
        stamp.draw(picture[:height], planes, self.index, captured_us)
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = round((time.monotonic() - self.start) * 90_000)
        frame.time_base = Fraction(1, 90_000)
        self.record.sent(self.index, captured_us)
        self.index += 1
        return frame


class Microphone(MediaStreamTrack):
    """The marked sound over and over; a piece is handed over when its last sample was captured."""

    kind = "audio"

    def __init__(self, path):
        super().__init__()
        with wave.open(path) as file:
            self.sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        self.start = None
        self.origin_us = None
        self.sent = 0

    async def recv(self):
        if self.start is None:
            self.start, self.origin_us = time.monotonic(), unix_us()
        await _until(self.start + (self.sent + CHUNK) / SAMPLE_RATE)
        samples = np.take(self.sound, range(self.sent, self.sent + CHUNK), mode="wrap")
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self.sent, Fraction(1, SAMPLE_RATE)
        self.sent += CHUNK
        return frame
