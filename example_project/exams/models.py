"""Exams with their questions, who takes them, what they answered, and the documents around them."""

from __future__ import annotations

from django.db import models


class Exam(models.Model):
    """An exam."""

    title = models.CharField(max_length=255)
    ends_at = models.DateTimeField()
    statistics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title


class Question(models.Model):
    """One question and what it is worth."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="questions")
    position = models.PositiveIntegerField()
    text = models.TextField()
    worth = models.PositiveIntegerField(default=10)
    topics = models.JSONField(default=list)

    class Meta:
        """A place is taken once."""

        constraints = [models.UniqueConstraint(fields=["exam", "position"], name="one_question_per_position")]

    def __str__(self) -> str:
        return f"question {self.position} of exam {self.exam_id}"


class Candidate(models.Model):
    """Somebody who takes exams."""

    roll = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=150)
    email = models.EmailField()

    def __str__(self) -> str:
        return self.roll


class Attempt(models.Model):
    """A candidate at an exam."""

    class Status(models.TextChoices):
        """How far an attempt is."""

        RUNNING = "running"
        SUBMITTED = "submitted"

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="attempts")
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="attempts")
    status = models.CharField(max_length=20, choices=Status, default=Status.RUNNING)
    score = models.FloatField(null=True)

    class Meta:
        """Nobody takes an exam twice."""

        constraints = [models.UniqueConstraint(fields=["exam", "candidate"], name="one_attempt_per_candidate")]

    def __str__(self) -> str:
        return f"attempt of candidate {self.candidate_id} at exam {self.exam_id}"


class Answer(models.Model):
    """What a candidate answered, and what it is worth."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="answers")
    question = models.ForeignKey(Question, models.CASCADE, related_name="answers")
    text = models.TextField()
    marks = models.FloatField(null=True)

    class Meta:
        """A question is answered once."""

        constraints = [models.UniqueConstraint(fields=["attempt", "question"], name="one_answer_per_question")]

    def __str__(self) -> str:
        return f"answer of attempt {self.attempt_id} to question {self.question_id}"


class Upload(models.Model):
    """A file that somebody uploaded: messages carry its key, not its content."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="uploads")
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"upload {self.pk}"


class Document(models.Model):
    """A PDF that the platform made; made again, it is the next revision."""

    class Kind(models.TextChoices):
        """What it is."""

        QUESTION_PAPER = "question paper"
        ORDER_COPY = "order copy"

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind)
    revision = models.PositiveIntegerField(default=1)
    content = models.BinaryField()

    class Meta:
        """There is one of each kind."""

        constraints = [models.UniqueConstraint(fields=["exam", "kind"], name="one_document_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of exam {self.exam_id}, revision {self.revision}"


class ExamResult(models.Model):
    """How an exam went: a materialised view, or on SQLite a table that stands for one."""

    exam = models.OneToOneField(Exam, models.DO_NOTHING, primary_key=True, related_name="result")
    attempts = models.PositiveIntegerField()
    best = models.FloatField(null=True)
    mean = models.FloatField(null=True)

    class Meta:
        """Made by a migration of its own."""

        managed = False
        db_table = "exams_result"

    def __str__(self) -> str:
        return f"result of exam {self.exam_id}"
