"""Reads the words of a PDF that matplotlib wrote."""

import re
import zlib


def text_of(payload: bytes) -> str:
    """Read the words of a PDF of matplotlib, in the order in which they are drawn."""
    words = []
    for stream in re.findall(rb"stream\n(.*?)\nendstream", payload, re.DOTALL):
        try:
            page = zlib.decompress(stream)
        except zlib.error:
            continue
        for block in re.findall(rb"BT\n(.*?)\nET", page, re.DOTALL):
            shown = re.findall(rb"\(((?:\\.|[^()\\])*)\)", block, re.DOTALL)
            joined = b"".join(re.sub(rb"\\(.)", rb"\1", part, flags=re.DOTALL) for part in shown)
            words.append(joined.decode("cp1252", "replace"))
    return "\n".join(words)
