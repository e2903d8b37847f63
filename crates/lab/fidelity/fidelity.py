"""How true pictures (VMAF) and speech (PESQ, STOI) came, as one JSON object on stdout.

A value that could not be measured is null, with a reason beside it.
"""

import importlib
import json
import re
import sys

DONE, BAD_ORDERS, NOT_INSTALLED = 0, 2, 3

USAGE = """usage: fidelity.py pictures SCENE_FILE WIDTHxHEIGHT RECEIVER_FOLDER
       fidelity.py speech SENT_WAV RECEIVED_WAV
       fidelity.py make-speech FILE"""


def fail(code, reason):
    sys.stderr.write(f"{reason}\n")
    sys.exit(code)


def load(module):
    """A file of this folder, or exit code 3: only what is asked for needs its packages."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        fail(NOT_INSTALLED, f"fidelity cannot be measured: {error}; run pip install -r requirements.txt")


def pictures(scene, size, folder):
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", size)
    width, height = (int(side) for side in match.groups()) if match else (1, 1)
    if width % 2 or height % 2:
        fail(BAD_ORDERS, f"{size} is not an even WIDTHxHEIGHT")
    vmaf = load("vmaf")
    try:
        return vmaf.measure(scene, (width, height), folder)
    except vmaf.NotInstalled as error:
        fail(NOT_INSTALLED, str(error))


def speech(sent, received):
    return load("speech").measure(sent, received)


def make_speech(path):
    voice = load("voice")
    try:
        return {"seconds": voice.make(path)}
    except voice.NotInstalled as error:
        fail(NOT_INSTALLED, str(error))


MODES = {"pictures": (pictures, 3), "speech": (speech, 2), "make-speech": (make_speech, 1)}


def main(arguments):
    mode, count = MODES.get(arguments[0] if arguments else None, (None, 0))
    if mode is None or len(arguments) != 1 + count:
        fail(BAD_ORDERS, USAGE)
    print(json.dumps(mode(*arguments[1:])))
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
