"""Random changes of a file, of the kinds that disks, editors and enemies make."""

import struct

NUMBERS = [0, 1, 27, 28, 255, 784, 2049, 2051, 65535, 2**16, 10**6, 10**6 + 1, 2**31 - 1, 2**31, 2**32 - 1]


def mutate(dice, content):
    """One or two changes, half of them in the first 60 bytes, where the sizes and offsets are."""
    content = bytearray(content)
    for _ in range(dice.randint(1, 2)):
        place = dice.randrange(min(len(content), 60) if dice.random() < 0.5 else len(content))
        end, kind = place + dice.choice([1, 4, 30]), dice.randrange(6)
        if kind == 0:
            content[place] = dice.randrange(256)
        elif kind == 1:
            content[place] ^= 1 << dice.randrange(8)
        elif kind == 2:
            content[place : place + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(NUMBERS))
        elif kind == 3:
            begin = dice.randrange(len(content))
            content[place:place] = content[begin : begin + dice.choice([1, 4, 12, 200, 9999])]
        elif kind == 4:
            content[place:place] = bytes(dice.choice([0, 1, 8, 1000]))
        else:
            del content[place : dice.choice([end, end, end, len(content)])]
        if not content:
            return b""
    return bytes(content)
