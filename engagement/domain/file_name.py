"""File names and media types of attachments: what is stored, shown, served and refused.

Nothing here trusts a name that came with a file. A cleaned name is safe to show and to hand to a
browser; it is never a path or a blob name, which are made by the server.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import quote

#: int, characters that a cleaned name has at most
NAME_LIMIT = 200

#: str, the name of a file whose own name is empty after cleaning
NAMELESS = "attachment"

#: str, the media type of what may not be shown as what it says it is
OPAQUE = "application/octet-stream"

# organization.blockedattachments as a new Dynamics 365 environment has it, in Microsoft's order.
_DYNAMICS = """
ade adp app asa ashx asmx asp bas bat cdx cer chm class cmd com config cpl crt csh dll exe fxp hlp
hta htr htw ida idc idq inf ins isp its jar js jse ksh lnk mad maf mag mam maq mar mas mat mau mav
maw mda mdb mde mdt mdw mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif prf prg
printer pst reg rem scf scr sct shb shs shtm shtml soap stm tmp url vb vbe vbs vsmacros vss vst vsw
ws wsc wsf wsh svg
"""

# What the list above is too old for. Outlook and Outlook on the web block these as well.
_OUTLOOK = """
appcontent-ms application appref-ms aspx asx cab cdxml cnt der diagcab gadget grp hpj htc
jnlp library-ms mcf mht mhtml msu osd pl plg ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1
pssc py pyc pyo pyw pyz pyzw search-ms settingcontent-ms theme udl vbp vhd vhdx webpnp website wsb
xbap xll xnk
"""

# Outlook lets these pass and attackers know it; mail gateways block them: containers that lose the
# mark of the web (disk images, OneNote sections), Office files with macros (the m formats),
# installers, shells, and text that a browser runs.
_GATEWAYS = """
apk appinstaller appx appxbundle dmg docm dotm img iso msix msixbundle one onepkg onetoc2 potm ppam
ppsm pptm rdp sh sldm svgz vmdk xhtml xlam xlsb xlsm xltm xsl
"""

#: frozenset of str, lower-case extensions without dot that are refused until an administrator
#: changes the list
BLOCKED_EXTENSIONS = frozenset(f"{_DYNAMICS} {_OUTLOOK} {_GATEWAYS}".split())

_DROPPED = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, bidi and other format, line separators
_SURROGATE = re.compile("[\ud800-\udfff]")
_STREAM = re.compile(r"(?::[^:]*)?:\$\w*\Z")  # an NTFS stream and its type, as in a.exe::$DATA
_EDGE = " .:"  # what Windows ignores at the end of a name
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
_READ = 4_096  # of a longer name only the end is looked at: cleaning may take its length squared
_LONGEST_EXTENSION = 24  # a longer last part is no extension that a system knows

# RFC 6838 section 4.2: the characters and the length of a type's and a subtype's name
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf" *({_NAME})/({_NAME}) *(?:;([ -~]*))?", re.IGNORECASE)
_CHARSET = re.compile(
    r'(?:\A|;) *charset *= *("?)([a-z0-9][a-z0-9._:+-]{0,39})\1 *(?:;|\Z)', re.IGNORECASE
)
_ACTIVE = re.compile(
    r"(?:\A|[-.+])(?:x?html|xml|xslt?|svgz?|hta|(?:java|ecma|j|live|vb)script[\d.]*|scriptlet"
    r"|component|cache-manifest|shockwave-flash)(?:\Z|[-+])",
)


def clean_file_name(name: str) -> str:
    """Return *name* as it is stored and shown: never empty, at most 200 characters, idempotent.

    Only the last path segment stays, in NFC. Control and format characters go (U+202E makes
    ``gpj.exe`` look like ``exe.jpg``), so do an NTFS stream suffix and the dots and blanks that
    Windows ignores at the end; other colons and lone surrogates are replaced; the name of a Windows
    device gets a ``_`` in front. The extension outlives the cut.
    """
    whole = _SURROGATE.sub("\ufffd", name[-_READ:])
    whole = "".join(c for c in whole if unicodedata.category(c) not in _DROPPED)
    whole = unicodedata.normalize("NFC", whole)
    last = re.split(r"[/\\]", whole.rstrip("/\\" + _EDGE))[-1]
    last = _without_stream(last).replace(":", "_").strip().rstrip(_EDGE)
    if _DEVICE.match(last):
        last = "_" + last
    return _cut(last) or NAMELESS


def _without_stream(name: str) -> str:
    before = None
    while name != before:
        before, name = name, _STREAM.sub("", name.rstrip().rstrip(_EDGE))
    return name


def _cut(name: str) -> str:
    if len(name) <= NAME_LIMIT:
        return name
    stem, dot, last = name.rpartition(".")
    tail = dot + last if len(last) <= _LONGEST_EXTENSION else ""
    return ((stem if tail else name)[: NAME_LIMIT - len(tail)] + tail).rstrip().rstrip(_EDGE)


def extension(name: str) -> str:
    """Return the extension that counts, in lower case and without dot; "" if there is none.

    It is the last one of the cleaned name: ``a.exe::$DATA``, ``a.EXE.`` and ``.exe`` have ``exe``.
    """
    _, dot, last = clean_file_name(name).rpartition(".")
    return last.casefold() if dot else ""


def blocked_extension(name: str, blocked: Collection[str]) -> str | None:
    """Return the entry of *blocked* that forbids a file of this name, or None.

    Entries are compared without case and leading dot and may have several parts (``tar.gz``).
    The end of the cleaned name decides, because the end is what a system opens a file by:
    ``a.pdf.exe`` is refused, ``a.exe.pdf`` is a PDF and passes.
    """
    cleaned = clean_file_name(name)
    # A width variant of the dot or of a letter is the plain one to some programs.
    plain = clean_file_name(unicodedata.normalize("NFKC", cleaned))
    ends = (cleaned.casefold(), plain.casefold())
    for entry in sorted(blocked):
        wanted = entry.strip().lstrip(".").casefold()
        if wanted and any(end.endswith("." + wanted) for end in ends):
            return wanted
    return None


def content_disposition(name: str) -> str:
    """Return the value of a Content-Disposition header that saves a file as *name*, cleaned.

    ASCII only. ``filename*`` decodes to exactly the cleaned name (RFC 6266, RFC 8187); ``filename``
    is for clients that do not know it, and holds nothing that needs quoting or that clients decode
    in different ways (quotes, backslashes, ``%``: RFC 6266 appendix D).
    """
    cleaned = clean_file_name(name)
    plain = unicodedata.normalize("NFKD", cleaned)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    fallback = re.sub(r'[^ -~]|["\\%]', "_", plain)
    encoded = quote(cleaned, safe="!#$&+^`|")  # attr-char of RFC 8187; quote keeps -._~ itself
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"


def media_type(content_type: str | None) -> tuple[str, str | None]:
    """Return a Content-Type as lower-case ``type/subtype`` and, for text, its charset.

    What cannot be parsed (RFC 9110 section 8.3, printable ASCII only) is an octet stream.
    """
    match = _MEDIA_TYPE.fullmatch(content_type or "")
    if match is None:
        return OPAQUE, None
    kind, subtype, parameters = match.groups()
    charset = _CHARSET.search(parameters or "")
    # UTF-7 turns harmless text into markup in old programs.
    usable = charset is not None and kind.lower() == "text" and charset[2].lower() != "utf-7"
    return f"{kind}/{subtype}".lower(), charset[2].lower() if charset and usable else None


def served_content_type(content_type: str | None) -> str:
    """Return the Content-Type that a stored file is served with.

    Types that a browser would run or take apart (HTML, SVG, XML, scripts, ``multipart/*``,
    ``message/*``) become an octet stream. No parameter survives but the charset of text.
    """
    whole, charset = media_type(content_type)
    kind, subtype = whole.split("/")
    if kind in {"multipart", "message"} or _ACTIVE.search(subtype):
        return OPAQUE
    return f"{whole}; charset={charset}" if charset else whole


def url_name(name: str, room: int) -> str:
    """Return a name of at most *room* characters from ``[A-Za-z0-9._-]`` for the end of a URL.

    It is decoration: nobody reads it back. It ends with the extension if that fits and never with
    punctuation, which programs that find links in text would cut off. "" if *room* is below 5.
    """
    if room < 5:
        return ""
    plain = unicodedata.normalize("NFKD", clean_file_name(name))
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"[^ -~]", "", plain))
    stem, dot, last = plain.rpartition(".")
    last = last.strip("-_")
    if not (dot and last) or len(last) + 2 > room:
        return plain.strip(".-_")[:room].rstrip(".-_")
    stem = stem.strip(".-_")[: room - len(last) - 1].rstrip(".-_")
    stem = stem or "file"[: room - len(last) - 1]
    return f"{stem}.{last}"
