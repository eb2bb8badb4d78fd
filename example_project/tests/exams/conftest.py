"""What the tests of the examination platform work on: an exam with questions, candidates and answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.utils import timezone

from exams.models import Answer, Attempt, Candidate, Exam, Question, Upload

MakeExam = Callable[..., Exam]


@pytest.fixture
def make_exam(transactional_db: None) -> MakeExam:
    """Return a function that makes an exam; every candidate has answered every question."""

    def make(*, candidates: int = 0, questions: int = 0, marked: bool = False, over: bool = False) -> Exam:
        ends_at = timezone.now() + timedelta(hours=-1 if over else 1)
        exam = Exam.objects.create(title="Algebra", ends_at=ends_at)
        asked = Question.objects.bulk_create(
            Question(exam=exam, position=n, text=f"Factorise polynomial {n}.") for n in range(1, questions + 1)
        )
        seated = Candidate.objects.bulk_create(
            Candidate(roll=uuid4().hex[:20], name=f"Candidate {n}", email=f"c{n}@example.org")
            for n in range(candidates)
        )
        attempts = Attempt.objects.bulk_create(Attempt(exam=exam, candidate=candidate) for candidate in seated)
        Answer.objects.bulk_create(
            Answer(
                attempt=attempt,
                question=question,
                text="print(1)" if question.position % 2 else "No idea",
                marks=float((number + question.position) % 11) if marked else None,
            )
            for number, attempt in enumerate(attempts)
            for question in asked
        )
        return exam

    return make


@pytest.fixture
def make_table(make_exam: MakeExam) -> Callable[[int], Upload]:
    """Return a function that uploads a table of candidates for a new exam; the last line names the first one again."""

    def make(rows: int) -> Upload:
        lines = [f" roll{n} ,Candidate {n},C{n}@Example.org,left alone" for n in range(rows)]
        text = "\n".join(["roll,name,email,remark", *lines, "ROLL0,Renamed,c0@example.org,"])
        return Upload.objects.create(exam=make_exam(), content=text.encode())

    return make


@pytest.fixture
def make_paper(make_exam: MakeExam) -> Callable[..., Upload]:
    """Return a function that uploads a .docx with a question in each paragraph for a new exam, and maybe a picture."""

    def make(questions: int, picture: bytes = b"") -> Upload:
        namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        paragraphs = "".join(f"<w:p><w:r><w:t>Question {n}?</w:t></w:r></w:p><w:p/>" for n in range(questions))
        xml = f'<w:document xmlns:w="{namespace}"><w:body>{paragraphs}</w:body></w:document>'
        with BytesIO() as file:
            with ZipFile(file, "w") as archive:
                archive.writestr("word/document.xml", xml)
                archive.writestr("word/media/image1.bmp", picture)
            return Upload.objects.create(exam=make_exam(), content=file.getvalue())

    return make
