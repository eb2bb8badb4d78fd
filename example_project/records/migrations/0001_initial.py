from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Dashboard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("filed", models.PositiveIntegerField(default=0)),
                ("archived", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=64, unique=True)),
                ("title", models.CharField(max_length=255)),
                ("filed_by", models.EmailField(max_length=254)),
                ("filed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("filed", "Filed"), ("archived", "Archived")], default="filed", max_length=20
                    ),
                ),
                ("report", models.BinaryField(default=bytes)),
            ],
        ),
    ]
