from django.db import migrations

from tenants.isolation import Isolate, lookup_function


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        Isolate(["Environment", "DataKey", "AuditEntry", "AuditHead", "OperatorAuditEntry", "OperatorAuditHead"]),
        lookup_function("broker_tenant_ids", "SELECT id FROM tenants_tenant"),
        lookup_function(
            "broker_tenants_to_rewrap",
            "SELECT tenant_id FROM tenants_datakey WHERE master_kid <> (SELECT kid FROM tenants_masterkey WHERE current)",
        ),
    ]
