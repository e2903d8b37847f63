"""The measures measured: known damage in, the expected figures out. `python -m unittest` in this folder."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
import wave
from pathlib import Path

import numpy as np

import alignment
import speech
import vmaf
import voice

PROGRAM = Path(__file__).with_name("fidelity.py")
WIDTH, HEIGHT, PICTURES = 640, 360, 60


def run(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], capture_output=True, text=True)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


def smooth(luma, times):
    """Blurs rows and columns, with a width of about 3 * sqrt(times) pixels."""
    for _ in range(times):
        for axis in (0, 1):
            luma = (np.roll(luma, 1, axis) + luma + np.roll(luma, -1, axis)) / 3
    return luma


def i420(luma):
    height, width = luma.shape
    luma = np.clip(np.round(luma), 0, 255).astype(np.uint8).tobytes()
    return luma + bytes([128]) * (width * height // 2)


class PicturesTest(Folder):
    @classmethod
    def setUpClass(cls):
        noise = np.random.default_rng(1).standard_normal((HEIGHT, WIDTH))
        wall = 110 + 60 * smooth(noise, 2) + 250 * smooth(noise, 30)
        cls.lumas = [np.roll(wall, (number, 2 * number), (0, 1)) for number in range(PICTURES)]

    def setUp(self):
        super().setUp()
        self.scene = self.folder / "scene.i420"
        self.scene.write_bytes(b"".join(i420(luma) for luma in self.lumas))
        (self.folder / "kept").mkdir()

    def keep(self, index, luma):
        """A received picture, with something like a stamp on it."""
        height, width = luma.shape
        stamped = luma.copy()
        stamped[: 2 * width // 40] = np.where(np.arange(width) // (width // 40) % 2, 235, 16)
        (self.folder / "kept" / f"{index}-{width}x{height}.i420").write_bytes(i420(stamped))

    def measure(self):
        done = run("pictures", self.scene, f"{WIDTH}x{HEIGHT}", self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def filmed(self, index):
        return self.lumas[vmaf.position(index, PICTURES)]

    def test_the_scene_goes_forwards_then_backwards(self):
        shown = [vmaf.position(index, PICTURES) for index in (-1, 0, 1, 58, 59, 60, 61, 117, 118, 119)]
        self.assertEqual(shown, [1, 0, 1, 58, 59, 58, 57, 1, 0, 1])

    def test_what_came_as_it_was_filmed_is_perfect_and_what_was_blurred_is_not(self):
        for index in range(0, 20 * 30, 30):  # more than one batch
            self.keep(index, self.filmed(index))
        perfect = self.measure()
        self.assertEqual(perfect["pictures"], 20)
        self.assertGreater(perfect["vmaf_min"], 95)
        self.keep(90, smooth(self.filmed(90), 6))
        one = self.measure()
        self.assertLess(one["vmaf_min"], 60)
        self.assertGreater(one["vmaf_mean"], 90)

    def test_a_picture_of_another_moment_is_not_the_one_filmed(self):
        self.keep(30, self.filmed(33))
        self.assertLess(self.measure()["vmaf_mean"], 60)

    def test_half_the_size_costs_less_than_a_quarter(self):
        means = []
        for step in (2, 4):
            small = self.filmed(60).reshape(HEIGHT // step, step, WIDTH // step, step).mean((1, 3))
            self.keep(60, small)
            means.append(self.measure()["vmaf_mean"])
            shutil.rmtree(self.folder / "kept")
            (self.folder / "kept").mkdir()
        self.assertGreater(means[0], means[1] + 10)

    def test_without_a_whole_picture_there_is_a_reason(self):
        (self.folder / "kept" / f"30-{WIDTH}x{HEIGHT}.i420").write_bytes(b"cut off")
        (self.folder / "kept" / "other.i420").write_bytes(b"")
        nothing = {"vmaf_mean": None, "vmaf_min": None, "pictures": 0, "reason": "no picture was kept"}
        self.assertEqual(self.measure(), nothing)
        done = run("pictures", self.scene, "320x182", self.folder)
        self.assertIn("another size", json.loads(done.stdout)["reason"])


@unittest.skipUnless(shutil.which("espeak-ng"), "install espeak-ng")
class SpeechTest(Folder):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.sent = Path(folder.name) / "speech.wav"
        cls.seconds = voice.make(cls.sent)
        with wave.open(str(cls.sent)) as file:
            cls.samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)

    def measure(self, played):
        received = self.folder / "sound.wav"
        with wave.open(str(received), "wb") as file:
            file.setparams((1, 2, 48_000, 0, "NONE", ""))
            file.writeframes(np.clip(np.round(played), -32768, 32767).astype("<i2").tobytes())
        done = run("speech", self.sent, received)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def played(self, seconds, delay=0.137, drift=48_000 / 47_990):
        """The speech over and over, late, by a sound card that is not quite as fast as the other."""
        at = (np.arange(int(seconds * 48_000)) - delay * 48_000) * drift
        sound = np.interp(at % len(self.samples), np.arange(len(self.samples)), self.samples)
        return np.where(at < 0, 0, sound)

    def test_the_speech_is_as_long_and_quiet_at_its_ends_as_it_should_be(self):
        self.assertTrue(10 < self.seconds < 15, self.seconds)
        self.assertEqual(len(self.samples) % 960, 0)
        for end in (self.samples[:9600], self.samples[-9600:]):
            self.assertFalse(end.any())
        pauses = alignment.pauses(speech.read(self.sent), speech.RATE)
        self.assertGreaterEqual(len(pauses), len(voice.SENTENCES))

    def test_delay_and_drift_cost_nothing_and_noise_does(self):
        played = self.played(45)
        clean = self.measure(played)
        self.assertGreater(clean["pesq"], 4)
        self.assertGreater(clean["stoi"], 0.98)
        self.assertGreaterEqual(clean["seconds"], 2 * self.seconds)
        noise = np.random.default_rng(2).standard_normal(len(played)) * 800
        noisy = self.measure(played + noise)
        self.assertLess(noisy["pesq"], clean["pesq"] - 1)
        self.assertLess(noisy["stoi"], clean["stoi"] - 0.03)

    def test_a_longer_delay_from_a_pause_on_is_not_damage_but_lost_packets_are(self):
        played = self.played(45, drift=1)
        # Within the pause that comes about half-way through the second repetition.
        middle = [pause for pause in alignment.pauses(speech.read(self.sent), speech.RATE) if pause][1] * 3
        at = len(self.samples) + middle + int(0.137 * 48_000)
        later = self.measure(np.insert(played, at, np.zeros(int(0.08 * 48_000))))
        self.assertGreater(later["pesq"], 4)
        self.assertGreater(later["stoi"], 0.98)
        lost = played.copy()
        for packet in np.random.default_rng(3).integers(0, 45 * 50, 45 * 5):  # about a tenth
            lost[packet * 960 : (packet + 1) * 960] = 0
        damaged = self.measure(lost)
        self.assertLess(damaged["pesq"], later["pesq"] - 1)
        self.assertLess(damaged["stoi"], later["stoi"] - 0.01)

    def test_one_repetition_is_enough_wherever_it_begins(self):
        for delay in (0.137, 0.5 * self.seconds):
            result = self.measure(self.played(2 * self.seconds + 1, -delay))
            self.assertGreater(result["stoi"], 0.98)
            self.assertAlmostEqual(result["seconds"], self.seconds, 2)

    def test_what_cannot_be_measured_is_null_with_a_reason(self):
        noise = np.random.default_rng(4).standard_normal(30 * 48_000) * 3000
        cases = [
            (np.zeros(30 * 48_000), "the sound that was received is silent"),
            (np.zeros(0), "the sound that was received is silent"),
            (noise, "what was received is not the sound that was sent"),
            (self.played(9), f"no whole repetition of {self.seconds:.1f} s was played"),
        ]
        for played, reason in cases:
            result = {"pesq": None, "stoi": None, "seconds": 0, "reason": reason}
            self.assertEqual(self.measure(played), result)
        done = run("speech", self.sent, self.folder / "absent.wav")
        self.assertIsNone(json.loads(done.stdout)["pesq"])


class OrdersTest(Folder):
    def test_wrong_orders_are_told_apart_from_missing_packages(self):
        for orders in ([], ["pictures"], ["sing", "a"], ["pictures", "a", "3x3", "b"]):
            done = run(*orders)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
        # Without site packages nothing can be loaded; without a path there is no voice.
        bare = subprocess.run([sys.executable, "-S", PROGRAM, "speech", "a", "b"], capture_output=True, text=True)
        self.assertEqual((bare.returncode, bare.stderr.count("\n")), (3, 1))
        mute = subprocess.run(
            [sys.executable, PROGRAM, "make-speech", self.folder / "a.wav"], env={"PATH": ""}, capture_output=True, text=True
        )
        self.assertEqual((mute.returncode, "install espeak-ng" in mute.stderr), (3, True))


if __name__ == "__main__":
    unittest.main()
