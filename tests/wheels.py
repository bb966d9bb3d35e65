"""The least that an installer takes for a library."""

from __future__ import annotations

import io
import zipfile


def name(library: str, version: str) -> str:
    """The file name of a library that every Python can install."""
    return f"{library}-{version}-py3-none-any.whl"


def content(library: str, version: str) -> bytes:
    """A wheel without any module."""
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {library}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(f"{library}-{version}.dist-info/{file}", text)
    return out.getvalue()
