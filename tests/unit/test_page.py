"""The page as it was built: small, and without anything that its security policy forbids."""

from __future__ import annotations

import gzip
import re

from sdpctl.settings import ROOT

BUILT = ROOT / "build/dashboard"


def test_all_of_it_together_is_below_250_kb_compressed() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), mtime=0))
        for path in BUILT.rglob("*")
        if path.is_file()
    }
    assert sum(sizes.values()) < 250_000, sizes


def test_it_has_no_code_and_no_style_in_its_text() -> None:
    html = (BUILT / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html)


def test_it_names_no_other_host() -> None:
    """But the names of XML's kinds, which nothing is loaded from."""
    for path in BUILT.rglob("*"):
        if path.is_file():
            hosts = set(re.findall(r"https?://([\w.-]+)", path.read_text()))
            assert hosts <= {"www.w3.org"}, path


def test_its_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "dashboard/package-lock.json").read_text()
