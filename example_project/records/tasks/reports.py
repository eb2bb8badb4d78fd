"""Makes PDFs."""

from __future__ import annotations

from celery import shared_task

from records.models import Record
from records.reliability import RecordTask


@shared_task(base=RecordTask)
def generate_pdf(record_id: int) -> None:
    """Make the report of a record (1 read, 1 write).

    Args:
        record_id: Primary key.
    """
    from fpdf import FPDF  # with Pillow and fonts, 20 MB that no other task needs

    record = Record.objects.only("reference", "title").get(pk=record_id)
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(0, 8, f"{record.reference}\n{record.title}")
    Record.objects.filter(pk=record_id).update(report=bytes(pdf.output()))
