"""Where requests go."""

from __future__ import annotations

from django.urls import path

from judge.views import submit

urlpatterns = [path("problems/<int:problem_id>/submissions", submit, name="submit")]
