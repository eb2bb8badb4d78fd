"""Which task goes to which queue: what computes to processes, what waits to greenlets.

The queues of the two kinds are consumed by different workers, so that neither holds up the other:
`CPU` by ``celery worker -P prefork -c 4``, `IO` by ``celery worker -P gevent -c 100``.
"""

from __future__ import annotations

from kombu import Exchange, Queue

CPU = ("cpu_intensive", "pdf_generation", "data_processing")
IO = ("bulk_upload", "question_enrichment", "question_generator_ai", "default")

ROUTES: dict[str, dict[str, str]] = {
    name: {"queue": queue}
    for queue, names in {
        "data_processing": ("exams.tasks.cpu.bulk_upload_task",),
        "pdf_generation": (
            "exams.tasks.cpu.question_paper_task",
            "exams.tasks.cpu.create_order_copy_task",
            "exams.tasks.cpu.update_order_copy_task",
        ),
        "cpu_intensive": ("exams.tasks.cpu.summary_statistics_task", "exams.tasks.cpu.parse_document_task"),
        "bulk_upload": ("exams.tasks.io.bulk_update_marks_task",),
        "question_enrichment": ("exams.tasks.io.extract_topics_task", "exams.tasks.io.index_questions_task"),
        "question_generator_ai": ("exams.tasks.io.generate_questions_task",),
        "default": ("exams.tasks.*",),
    }.items()
    for name in names
}

QUEUES = tuple(Queue(name, Exchange(name), routing_key=name) for name in (*CPU, *IO))
