"""A TrueType font with one character, for tests of the choice of fonts."""

import struct

SIZE = 1000  # units of the square of a character


def font_file(character: str) -> bytes:
    """A font that draws `character` as a filled square, and nothing for all others.

    Source: Microsoft, "OpenType specification", tables cmap (format 12), glyf, head, hhea, hmtx, loca, maxp.
    """
    square = struct.pack(">5h", 1, 0, 0, SIZE, SIZE) + struct.pack(">HH", 3, 0) + b"\1\1\1\1"
    square += struct.pack(">4h", 0, SIZE, 0, -SIZE) + struct.pack(">4h", 0, 0, SIZE, 0)
    code = ord(character)
    mapping = struct.pack(">HHHHI", 0, 1, 3, 10, 12) + struct.pack(">HHIII3I", 12, 0, 28, 0, 1, code, code, 1)
    head = struct.pack(">IIIIHH16x4h", 0x10000, 0, 0, 0x5F0F3CF5, 0, SIZE, 0, 0, SIZE, SIZE) + struct.pack(
        ">HHhhh", 0, 8, 2, 1, 0
    )
    tables = {
        b"cmap": mapping,
        b"glyf": square,
        b"head": head,
        b"hhea": struct.pack(">I3hH11hH", 0x10000, SIZE, 0, 0, SIZE, *[0] * 11, 2),
        b"hmtx": struct.pack(">HhHh", SIZE, 0, SIZE, 0),
        b"loca": struct.pack(">3I", 0, 0, len(square)),
        b"maxp": struct.pack(">IH13H", 0x10000, 2, 4, 1, 0, 0, 2, *[0] * 8),
    }
    begin = 12 + 16 * len(tables)
    entries = content = b""
    for tag, table in tables.items():
        entries += struct.pack(">4sIII", tag, 0, begin + len(content), len(table))
        content += table + b"\0" * (-len(table) % 4)
    return struct.pack(">IHHHH", 0x10000, len(tables), 0, 0, 0) + entries + content
