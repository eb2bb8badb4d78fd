"""Where requests go."""

from __future__ import annotations

from django.urls import path

from judge.views import request_script, submit

urlpatterns = [
    path("problems/<int:problem_id>/submissions", submit, name="submit"),
    path("problems/<int:problem_id>/script", request_script, name="request_script"),
]
