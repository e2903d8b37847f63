"""The folder that a caller leaves: tables as they grow, kept pictures, the sound that was played, and peer.json at the end."""

import csv
import json
import time
import wave
from pathlib import Path

import numpy as np

import stamp

HEADERS = {
    "sent.csv": ["index", "captured_us"],
    "pictures.csv": ["rendered_us", "index", "captured_us", "width", "height"],
    "seconds.csv": ["at_us", "target_bps", "frames_encoded", "qp_sum", "frames_decoded", "rtt_ms"],
}
KEPT_EVERY = 30
SAMPLE_RATE = 48_000
AHEAD_US = 10_000  # one buffer of a sound card
MAX_AHEAD_US = 500_000  # sound that came faster than it can be played, beyond which it is dropped


def unix_us():
    return time.time_ns() // 1000


class Record:
    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "kept").mkdir(exist_ok=True)
        self.files = [open(self.folder / name, "w", newline="") for name in HEADERS]
        self.tables = {name: csv.writer(file, lineterminator="\n") for name, file in zip(HEADERS, self.files)}
        for name, header in HEADERS.items():
            self.tables[name].writerow(header)
        self.wav = wave.open(str(self.folder / "sound.wav"), "wb")
        self.wav.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        self.sound_origin_us = None
        self.sound_samples = 0
        self.sent_count = 0
        self.rendered_count = 0

    def sent(self, index, captured_us):
        self.sent_count += 1
        self.tables["sent.csv"].writerow([index, captured_us])

    def second(self, **cells):
        """A line of seconds.csv; what is `None` or missing stays empty."""
        self.tables["seconds.csv"].writerow([cells.get(name) for name in HEADERS["seconds.csv"]])

    def rendered(self, frame):
        """A picture that is handed to the screen now."""
        now = unix_us()
        self.rendered_count += 1
        plane = frame.planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        index, captured_us = stamp.read(luma, now) or (None, None)
        self.tables["pictures.csv"].writerow([now, index, captured_us, frame.width, frame.height])
        if index is not None and index % KEPT_EVERY == 0:
            name = f"{index}-{frame.width}x{frame.height}.i420"
            (self.folder / "kept" / name).write_bytes(frame.to_ndarray(format="yuv420p").tobytes())

    def played(self, samples):
        """Sound that is handed to the sound card now: heard after one buffer, or when what came before was heard."""
        heard = unix_us() + AHEAD_US
        if self.sound_origin_us is None:
            self.sound_origin_us = heard
        end = self.sound_origin_us + self.sound_samples * 1_000_000 // SAMPLE_RATE
        if end - heard > MAX_AHEAD_US:
            return
        if heard > end:
            self._write(np.zeros((heard - end) * SAMPLE_RATE // 1_000_000, np.int16))
        self._write(samples)

    def _write(self, samples):
        self.wav.writeframes(samples.astype("<i2").tobytes())
        self.sound_samples += len(samples)

    def finish(self, peer):
        """Completes the folder with the caller's account of itself."""
        self.wav.close()
        for file in self.files:
            file.close()
        (self.folder / "peer.json").write_text(json.dumps(peer, indent=2) + "\n")
