"""Makes documents: question papers and order copies.

Imported by the tasks that need it, when they need it, as `exams.services.frames` is.
"""

from __future__ import annotations

from collections.abc import Iterable

from fpdf import FPDF


def document(title: str, lines: Iterable[str]) -> bytes:
    """Set a document.

    Args:
        title: Its heading, and what its properties say.
        lines: A paragraph each.

    Returns:
        The PDF.
    """
    pdf = FPDF(format="A4")
    pdf.set_title(title)
    pdf.add_page()
    pdf.set_font("helvetica", "B", 16)
    pdf.multi_cell(0, 10, title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=11)
    for line in lines:
        pdf.multi_cell(0, 6, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())
