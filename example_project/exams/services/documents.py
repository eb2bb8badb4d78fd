"""Reads question papers that authors wrote in a word processor (.docx)."""

from __future__ import annotations

from io import BytesIO
from zipfile import BadZipFile, ZipFile

from defusedxml.ElementTree import fromstring

WORDS = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


class UnreadableDocumentError(ValueError):
    """It is no such document: another attempt would not help."""


def paragraphs(content: bytes) -> list[str]:
    """Return the paragraphs of a document that are not empty.

    Args:
        content: The file.

    Raises:
        UnreadableDocumentError: It is of another kind.

    Source:
        ECMA-376, part 1, 17.3: a paragraph ``w:p`` has runs ``w:r``, which have texts ``w:t``.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            body = fromstring(archive.read("word/document.xml"))
    except (BadZipFile, KeyError) as error:
        raise UnreadableDocumentError(f"no .docx: {error}") from error
    texts = ("".join(text.text or "" for text in paragraph.iter(f"{WORDS}t")) for paragraph in body.iter(f"{WORDS}p"))
    return [text.strip() for text in texts if text.strip()]
