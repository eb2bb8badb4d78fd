from django.db import migrations

from exams.services import results


def forwards(apps, schema_editor):
    for statement in results.creation(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def backwards(apps, schema_editor):
    schema_editor.execute(results.removal(schema_editor.connection.vendor))


class Migration(migrations.Migration):
    dependencies = [("exams", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
