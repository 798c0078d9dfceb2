"""The icon of the connector: an open envelope with a dot, drawn as a PNG."""

import struct
import zlib

SIZE = 160
#: Points by which each pixel is looked at, for smooth edges.
FINENESS = 4

GROUND, PAPER, DOT = (0x0B, 0x6A, 0x6F), (0xFF, 0xFF, 0xFF), (0xF2, 0xA9, 0x3B)


def pixels() -> bytes:
    """Give the rows of the image as a PNG holds them: a filter byte, then red, green and blue."""
    return b"".join(b"\0" + b"".join(map(_pixel, range(SIZE), [y] * SIZE)) for y in range(SIZE))


def png() -> bytes:
    """Give the whole file."""
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    data = zlib.compress(pixels(), 9)
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, part) for kind, part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixel(x: int, y: int) -> bytes:
    steps = [(number + 0.5) / FINENESS for number in range(FINENESS)]
    colors = [_color((x + dx) / SIZE, (y + dy) / SIZE) for dx in steps for dy in steps]
    return bytes(round(sum(parts) / len(colors)) for parts in zip(*colors, strict=True))


def _color(x: float, y: float) -> tuple[int, int, int]:
    """Give the color of a point; both go from 0 to 1, down and to the right."""
    if (x - 0.74) ** 2 + (y - 0.32) ** 2 < 0.13**2:
        return DOT
    if (x - 0.74) ** 2 + (y - 0.32) ** 2 < 0.17**2:
        return GROUND
    inside = 0.18 < x < 0.82 and 0.30 < y < 0.72
    flap = 0.30 + 0.26 * (1 - abs(x - 0.5) / 0.32)
    return PAPER if inside and abs(y - flap) > 0.025 else GROUND
