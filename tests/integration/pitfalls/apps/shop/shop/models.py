from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=100)


class Archived(models.Model):
    text = models.CharField(max_length=100)


class Router:
    """Sends what is archived to a database of its own."""

    def db_for_read(self, model, **hints):
        return "archive" if model is Archived else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return None if model_name is None else (db == "archive") == (model_name == "archived")
