import django.db.models.deletion
from django.db import migrations, models

import tenants.ids
import tenants.models.owned
from tenants.isolation import Isolate


class Migration(migrations.Migration):
    dependencies = [
        ("authflows", "0011_signed_and_encrypted_answers"),
        ("tenants", "0003_first_operator"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("hash", models.BinaryField(max_length=32)),
                ("scope", models.TextField()),
                ("expires_at", models.DateTimeField()),
                ("relying_party_id", models.UUIDField(editable=False)),
                ("issuer", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.issuer")),
                (
                    "relying_party",
                    tenants.models.owned.TenantRef(
                        cascades=True,
                        column="relying_party_id",
                        from_fields=["tenant", "relying_party_id"],
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="authflows.relyingparty",
                        to_fields=["tenant", "id"],
                    ),
                ),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant")),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="authflows_apitoken_key"),
                    models.UniqueConstraint(fields=("tenant", "hash"), name="authflows_apitoken_hash"),
                ],
            },
        ),
        Isolate(["ApiToken"]),
    ]
