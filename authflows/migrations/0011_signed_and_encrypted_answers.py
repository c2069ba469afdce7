from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authflows", "0010_simulated_authenticators"),
    ]

    operations = [
        migrations.AddField(
            model_name="clientext", name="authorization_response_alg", field=models.CharField(blank=True, default="", max_length=5), preserve_default=False
        ),
        migrations.AddField(
            model_name="clientext", name="id_token_encryption", field=models.CharField(blank=True, default="", max_length=12), preserve_default=False
        ),
        migrations.AddField(model_name="clientext", name="userinfo_alg", field=models.CharField(blank=True, default="", max_length=5), preserve_default=False),
        migrations.AddField(
            model_name="clientext", name="userinfo_encryption", field=models.CharField(blank=True, default="", max_length=12), preserve_default=False
        ),
    ]
