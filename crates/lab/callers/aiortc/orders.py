"""The orders that the lab gives a caller in its environment, checked once."""

import os
import sys

DONE, FAILED, BAD_ORDERS, NOT_INSTALLED = range(4)


def _refuse(reason):
    sys.stderr.write(f"{reason}\n")
    sys.exit(BAD_ORDERS)


def _text(name):
    return os.environ.get(name) or _refuse(f"{name} is not set")


def _number(name):
    try:
        value = float(_text(name))
    except ValueError:
        value = 0
    return value if value > 0 else _refuse(f"{name} is not a positive number")


class Orders:
    def __init__(self):
        self.folder, self.server, self.room = _text("LAB_FOLDER"), _text("LAB_SERVER"), _text("LAB_ROOM")
        self.scene, self.sound = _text("LAB_SCENE"), _text("LAB_SOUND")
        self.seconds, self.wait, self.fps = _number("LAB_SECONDS"), _number("LAB_WAIT"), _number("LAB_FPS")
        self.max_bitrate = int(_number("LAB_MAX_BITRATE"))
        self.media = os.environ.get("LAB_MEDIA") or "both"
        if self.media not in ("both", "send", "receive"):
            _refuse("LAB_MEDIA is neither both, send nor receive")
        try:
            begin, end = (float(part) for part in (os.environ.get("LAB_PAUSE") or "0-0").split("-"))
        except ValueError:
            _refuse("LAB_PAUSE is not FROM-TO")
        self.pause = begin, end
        self.codec = _text("LAB_CODEC")
        if self.codec not in ("h264", "vp8"):
            _refuse("LAB_CODEC is neither h264 nor vp8")
        try:
            width, height = (int(part) for part in _text("LAB_SIZE").split("x"))
        except ValueError:
            width, height = 0, 0
        if width <= 0 or height <= 0 or width % 2 or height % 2:
            _refuse("LAB_SIZE is not an even WIDTHxHEIGHT")
        self.size = width, height
