"""Ways to damage a file: each takes its bytes and a random number generator, and returns others."""

import copy
import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Damage = Callable[[bytes, random.Random], bytes]

_DEPTH = 100_000  # of nesting, far beyond Python's recursion limit
_ODD_VALUES: tuple[Any, ...] = (None, True, -1, 0, 1e308, "", "x" * 5000, [], {}, [[]], 2**70)
_ODD_VALUES += ("../../etc/passwd", "\ud800", "=1+1", "<b>", "NaN", {"a": {}}, [1, "a", None])
_ENCODINGS = ("latin-1", "utf-16", "utf-32", "utf-8-sig", "cp1252")
_NIFTI1_HEADER_BYTES = 352
# Offset and struct code of the numbers in a NIfTI-1 header.
_NIFTI1_FIELDS = (
    (0, "i"),
    (36, "h"),
    *((40 + 2 * axis, "h") for axis in range(8)),
    (70, "h"),
    (72, "h"),
    (74, "h"),
    *((76 + 4 * axis, "f") for axis in range(8)),
    (108, "f"),
    (112, "f"),
    (116, "f"),
    (123, "b"),
    (124, "f"),
    (128, "f"),
    (252, "h"),
    (254, "h"),
    *((256 + 4 * number, "f") for number in range(18)),
    (344, "i"),
    (348, "i"),
)
_ODD_FLOATS = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e38, 1e-38, 0.5, 352.0, 1.0)
_ODD_WHOLES = (0, -1, 1, 2, 3, 4, 7, 8, 16, 64, 127, 512, 32767, -32768)


def truncated(payload: bytes, rng: random.Random) -> bytes:
    """End somewhere."""
    return payload[: rng.randrange(len(payload))]


def bits_flipped(payload: bytes, rng: random.Random) -> bytes:
    """Flip one to eight bits, half of the times near the beginning."""
    changed = bytearray(payload)
    reach = len(changed) if rng.random() < 0.5 else min(len(changed), 400)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def filled(payload: bytes, rng: random.Random) -> bytes:
    """Overwrite a stretch with zeros, ones or noise."""
    start = rng.randrange(len(payload))
    length = min(len(payload) - start, rng.choice((1, 4, 64, 4096)))
    what = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return payload[:start] + what + payload[start + length :]


def lost(payload: bytes, rng: random.Random) -> bytes:
    """Lose a stretch."""
    start = rng.randrange(len(payload))
    return payload[:start] + payload[start + rng.choice((1, 16, 1000)) :]


def inserted(payload: bytes, rng: random.Random) -> bytes:
    """Gain a stretch."""
    start = rng.randrange(len(payload) + 1)
    return payload[:start] + rng.randbytes(rng.choice((1, 16, 1000))) + payload[start:]


def another_file(payload: bytes, rng: random.Random) -> bytes:
    """Be something else altogether."""
    return rng.choice((b"", b"\0" * 1000, b"PK\x03\x04", b"\x1f\x8b", b"[]", b"<html>", b"\n"))


def header_number(payload: bytes, rng: random.Random) -> bytes:
    """Set one to three numbers of a NIfTI-1 header to odd values."""
    changed = bytearray(payload)
    for _ in range(rng.randint(1, 3)):
        offset, code = rng.choice(_NIFTI1_FIELDS)
        if code == "f":
            value: float = rng.choice((*_ODD_FLOATS, rng.uniform(-1e3, 1e3)))
            struct.pack_into("<f", changed, offset, value)
        else:
            bits = 8 * struct.calcsize(code)
            whole = rng.choice((*_ODD_WHOLES, rng.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1))))
            whole = max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, whole))
            struct.pack_into(f"<{code}", changed, offset, whole)
    return bytes(changed)


def extended(payload: bytes, rng: random.Random) -> bytes:
    """Give a NIfTI-1 file a header extension, often a damaged one."""
    size = rng.choice((16, 32, 7, 0, -16, 10**9))
    extension = struct.pack("<ii", size, rng.choice((4, 6, 44, 99))) + rng.randbytes(24)
    changed = bytearray(payload[:348] + b"\1\0\0\0" + extension + payload[352:])
    struct.pack_into("<f", changed, 108, 352.0 + len(extension))
    return bytes(changed)


def repacked(inner: Damage) -> Damage:
    """Damage what a gzip file holds, and pack it again."""

    def damage(payload: bytes, rng: random.Random) -> bytes:
        return gzip.compress(inner(gzip.decompress(payload), rng), 1, mtime=0)

    damage.__name__ = f"repacked_{inner.__name__}"
    return damage


def bomb(payload: bytes, rng: random.Random) -> bytes:
    """Go on with zeros far beyond what the header says: 200 kB that unpack to 200 MB."""
    return gzip.compress(gzip.decompress(payload) + bytes(200_000_000), 1, mtime=0)


def joined(payload: bytes, rng: random.Random) -> bytes:
    """Have bytes, or another gzip member, after the end."""
    return payload + rng.choice((b"\0" * 100, b"junk", payload, payload[:40], b"\x1f\x8b"))


def value_changed(payload: bytes, rng: random.Random) -> bytes:
    """Put something odd in the place of one to three values of a JSON."""
    content = json.loads(payload)
    for _ in range(rng.randint(1, 3)):
        content = _changed(content, rng)
    return _written(content, rng)


def key_lost(payload: bytes, rng: random.Random) -> bytes:
    """Lose a key, or an item of a list."""
    content = json.loads(payload)
    places = [place for place in _containers(content) if place]
    if not places:
        return b"{}"
    place = rng.choice(places)
    place.pop(rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place)))
    return _written(content, rng)


def key_gained(payload: bytes, rng: random.Random) -> bytes:
    """Hold a key that nobody knows."""
    content = json.loads(payload)
    places = [place for place in _containers(content) if isinstance(place, dict)]
    if places:
        key = rng.choice(("unknown", "", "__proto__", "Ä", "files"))
        rng.choice(places)[key] = copy.deepcopy(rng.choice(_ODD_VALUES))
    return _written(content, rng)


def nested(payload: bytes, rng: random.Random) -> bytes:
    """Be nested deeper than a program can follow."""
    bracket = rng.choice(("[", '{"a":'))
    deep = bracket * _DEPTH
    if rng.random() < 0.5:
        return deep.encode()
    content = json.loads(payload)
    if not isinstance(content, dict) or not content:
        return deep.encode()
    key = rng.choice(list(content))
    close = ("]" if bracket == "[" else "}") * _DEPTH
    rest = json.dumps({name: value for name, value in content.items() if name != key})[1:]
    comma = "," if len(content) > 1 else ""
    inner = deep + ("null" if bracket != "[" else "") + close
    return f"{{{json.dumps(key)}:{inner}{comma}{rest}".encode()


def not_a_number(payload: bytes, rng: random.Random) -> bytes:
    """Hold NaN or infinity, which JSON does not have."""
    text = payload.decode()
    digits = [at for at, sign in enumerate(text) if sign.isdigit()]
    if not digits:
        return b"NaN"
    at = rng.choice(digits)
    return (
        text[:at] + rng.choice(("NaN", "Infinity", "-Infinity", "1e999")) + text[at + 1 :]
    ).encode()


def encoded(payload: bytes, rng: random.Random) -> bytes:
    """Be written in another encoding."""
    text = payload.decode().replace("e", "é", 3)
    return text.encode(rng.choice(_ENCODINGS), "replace")


def line_by_line(inner: Damage) -> Damage:
    """Damage one line of JSON lines."""

    def damage(payload: bytes, rng: random.Random) -> bytes:
        lines = payload.splitlines(keepends=True)
        at = rng.randrange(len(lines))
        end = rng.choice((b"\n", b"\n", b"\n", b""))
        lines[at] = inner(lines[at].strip(), rng).replace(b"\n", b" ") + end
        return b"".join(lines)

    damage.__name__ = f"line_{inner.__name__}"
    return damage


def lines_moved(payload: bytes, rng: random.Random) -> bytes:
    """Have lines twice, or in another order."""
    lines = payload.splitlines(keepends=True)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    if rng.random() < 0.5:
        rng.shuffle(lines)
    return b"".join(lines)


def cell_changed(payload: bytes, rng: random.Random) -> bytes:
    """Put something odd into one to three cells of a table, its header included."""
    rows = [line.split("\t") for line in payload.decode().splitlines()]
    odd = ("", "n/a", "nan", "inf", "1e999", "x", "-1", "1,5", '"', '"a', "=1+1", "9" * 400, "é")
    for _ in range(rng.randint(1, 3)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice((*odd, "\0", "True", "1.5", "2023-11-05"))
    return ("\n".join("\t".join(row) for row in rows) + "\n").encode()


def ragged(payload: bytes, rng: random.Random) -> bytes:
    """Have a row with a cell too many or too few, or two columns of one name."""
    rows = [line.split("\t") for line in payload.decode().splitlines()]
    row = rng.choice(rows)
    if rng.random() < 0.5:
        row.append("1")
    elif rng.random() < 0.5:
        row.pop()
    else:
        rows[0][-1] = rows[0][0]
    return ("\n".join("\t".join(row) for row in rows) + "\n").encode()


def commas(payload: bytes, rng: random.Random) -> bytes:
    """Have commas, semicolons or other line ends."""
    before, after = rng.choice(((b"\t", b","), (b"\t", b";"), (b"\n", b"\r"), (b"\n", b"\r\n")))
    return payload.replace(before, after)


def array_changed(payload: bytes, rng: random.Random) -> bytes:
    """Replace, lose or reshape an array of an .npz file."""
    with np.load(io.BytesIO(payload)) as stored:
        arrays = {name: stored[name] for name in stored.files}
    name = rng.choice(list(arrays))
    array = arrays[name]
    odd = (
        lambda: array[:0],
        lambda: array[: len(array) // 2] if array.ndim else array,
        lambda: array[..., None],
        lambda: array.astype("U8"),
        lambda: np.full_like(array, -1) if array.dtype.kind in "if" else array,
        lambda: np.full(array.shape, np.nan),
        lambda: np.array([{}], dtype=object),
        lambda: np.float64(1),
    )
    if rng.random() < 0.2:
        del arrays[name]
    else:
        arrays[name] = np.asarray(rng.choice(odd)())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def member_damaged(payload: bytes, rng: random.Random) -> bytes:
    """Damage one file inside a zip, and pack it again with a right check sum."""
    damaged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(payload)) as before, zipfile.ZipFile(damaged, "w") as after:
        chosen = rng.choice(before.namelist())
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, rng.choice(OF_BYTES)(content, rng) if name == chosen else content)
    return damaged.getvalue()


def header_of_weights(payload: bytes, rng: random.Random) -> bytes:
    """Damage the JSON at the beginning of a safetensors file, and its length with it."""
    length = struct.unpack("<Q", payload[:8])[0]
    way = rng.choice(OF_JSON)
    header = way(payload[8 : 8 + length].strip() or b"{}", rng)
    size = rng.choice((len(header), len(header), len(header), 0, 2**63, len(header) + 8))
    return struct.pack("<Q", size) + header + payload[8 + length :]


def crc_broken(payload: bytes, rng: random.Random) -> bytes:
    """Have another check sum than the content."""
    return payload[:-8] + struct.pack("<I", zlib.crc32(b"other")) + payload[-4:]


def _containers(content: Any) -> list[Any]:
    """Every object and list in a JSON, itself first."""
    if isinstance(content, dict):
        return [content, *(one for value in content.values() for one in _containers(value))]
    if isinstance(content, list):
        return [content, *(one for value in content for one in _containers(value))]
    return []


def _changed(content: Any, rng: random.Random) -> Any:
    """Replace a value somewhere."""
    places = [place for place in _containers(content) if place]
    if not places or rng.random() < 0.05:
        return copy.deepcopy(rng.choice(_ODD_VALUES))
    place = rng.choice(places)
    key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    place[key] = copy.deepcopy(rng.choice(_ODD_VALUES))
    return content


def _written(content: Any, rng: random.Random) -> bytes:
    return json.dumps(content, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


OF_BYTES: tuple[Damage, ...] = (truncated, bits_flipped, filled, lost, inserted, another_file)
OF_NIFTI: tuple[Damage, ...] = (header_number, header_number, header_number, extended, *OF_BYTES)
OF_NIFTI_GZ: tuple[Damage, ...] = (
    *(repacked(way) for way in OF_NIFTI),
    *OF_BYTES,
    bomb,
    joined,
    crc_broken,
)
OF_JSON: tuple[Damage, ...] = (
    value_changed,
    value_changed,
    key_lost,
    key_gained,
    nested,
    not_a_number,
    encoded,
    *OF_BYTES,
)
OF_JSON_LINES: tuple[Damage, ...] = (
    *(line_by_line(way) for way in OF_JSON),
    lines_moved,
    *OF_BYTES,
)
OF_TSV: tuple[Damage, ...] = (cell_changed, cell_changed, ragged, commas, encoded, *OF_BYTES)
OF_NPZ: tuple[Damage, ...] = (array_changed, array_changed, member_damaged, *OF_BYTES)
OF_SAFETENSORS: tuple[Damage, ...] = (header_of_weights, *OF_BYTES)
