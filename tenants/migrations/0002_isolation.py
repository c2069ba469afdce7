from django.db import migrations

from tenants.isolation import Isolate, lookup_function


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        Isolate(["Environment", "DataKey", "AuditEntry", "AuditHead", "OperatorAuditEntry", "OperatorAuditHead"]),
        lookup_function("broker_tenant_ids", "SELECT id FROM tenants_tenant"),
    ]
