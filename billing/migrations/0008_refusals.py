"""Why a month stopped, as a text and its values, so that a page can say it in its own language."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_alter_documentline_kind")]

    operations = [
        migrations.AddField(
            model_name="billingmonth",
            name="told",
            field=models.JSONField(null=True, help_text="the problem, as refusals.stored writes it"),
        ),
    ]
