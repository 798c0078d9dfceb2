"""Whether a file is a program under another name."""

from __future__ import annotations

#: What programs begin with: PE/COFF and MS-DOS, ELF, the three of Mach-O, and scripts.
PROGRAMS = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"\xfe\xed\xfa": "a macOS program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS program or Java class",
    b"#!": "a script",
}


def suspicion(data: bytes) -> str | None:
    """Return what kind of program *data* begins like; None for everything else.

    Blocking goes by the file's name, as in Dynamics 365; a program with the name of a document is
    stored and flagged, because a document may by chance begin like one.
    """
    return next((kind for magic, kind in PROGRAMS.items() if data.startswith(magic)), None)
