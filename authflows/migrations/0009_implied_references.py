from django.db import migrations

# What each row refers to as (tenant_id, id) belongs to that tenant, and in the end to an environment that refers to it. Checked once more for
# each row, the tenant's own row is locked by every statement of a login, by all of them at once (docs/performance.md).
IMPLIED = {
    "authflows_login": "authflows_login_tenant_id_5c89aedb_fk_tenants_tenant_id",
    "authflows_coresession": "authflows_coresession_tenant_id_59b9077e_fk_tenants_tenant_id",
    "authflows_grant": "authflows_grant_tenant_id_34b2c8be_fk_tenants_tenant_id",
    "authflows_accesstoken": "authflows_accesstoken_tenant_id_eb3daf1b_fk_tenants_tenant_id",
}
REFERENCE = "FOREIGN KEY (tenant_id) REFERENCES tenants_tenant (id) DEFERRABLE INITIALLY DEFERRED"


class Migration(migrations.Migration):
    dependencies = [("authflows", "0008_refused_redirects")]

    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} DROP CONSTRAINT {name}", f"ALTER TABLE {table} ADD CONSTRAINT {name} {REFERENCE}")
        for table, name in IMPLIED.items()
    ]
