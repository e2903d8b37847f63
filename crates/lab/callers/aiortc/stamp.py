"""The stamp of a picture: its number and capture time as two rows of cells, as the lab's media module defines it.

What does not check is unreadable: no guess is made.
"""

import binascii
import math

import numpy as np

COLUMNS = 40
ROWS = 2
BLACK, WHITE, LIMIT, GREY = 16, 235, 125, 128
CYCLE = 1 << 40  # µs after which the capture time begins anew


def _edge(cell, width):
    return cell * width // COLUMNS


def draw(luma, chroma, index, captured_us):
    """Draws the stamp into planes of rows."""
    width = luma.shape[1]
    content = ((index & 0xFFFFFF) << 40 | captured_us % CYCLE).to_bytes(8, "big")
    code = content + binascii.crc_hqx(content, 0xFFFF).to_bytes(2, "big")
    bits = np.unpackbits(np.frombuffer(code, np.uint8)).reshape(ROWS, COLUMNS)
    widths = np.diff([_edge(column, width) for column in range(COLUMNS + 1)])
    for row in range(ROWS):
        luma[_edge(row, width) : _edge(row + 1, width)] = np.repeat(np.where(bits[row], WHITE, BLACK), widths)
    for plane in chroma:
        plane[: math.ceil(_edge(ROWS, width) / 2)] = GREY


def read(luma, now_us):
    """Number and capture time, the one nearest to `now_us`; `None` when there is no stamp or it is damaged."""
    width = luma.shape[1]
    cell = width / COLUMNS
    if cell < 2 or luma.shape[0] < ROWS * cell:
        return None

    def inner(at):
        return slice(math.ceil((at + 0.25) * cell), math.ceil((at + 0.75) * cell))

    means = [luma[inner(row), inner(column)].mean() for row in range(ROWS) for column in range(COLUMNS)]
    code = np.packbits(np.array(means) > LIMIT).tobytes()
    if binascii.crc_hqx(code[:8], 0xFFFF) != int.from_bytes(code[8:], "big"):
        return None
    time = int.from_bytes(code[3:8], "big")
    return int.from_bytes(code[:3], "big"), time + CYCLE * round((now_us - time) / CYCLE)
