from pathlib import Path

from django.conf import settings
from django.db import migrations, models


def log(apps, schema_editor):
    if settings.MIGRATION_LOG:
        with Path(settings.MIGRATION_LOG).open("a") as file:
            file.write(f"{schema_editor.connection.alias}\n")


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name=name,
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=100)),
            ],
        )
        for name in ("Note", "Archived")
    ] + [migrations.RunPython(log)]
