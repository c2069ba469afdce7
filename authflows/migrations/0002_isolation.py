from django.db import migrations

from tenants.isolation import TENANT_POLICY, Isolate, lookup_function

# django-oidc-provider's tables hold our clients: they get an owner, a key that says so, and the usual policy (ADR 0002).
CLIENT_REGISTRY = """
ALTER TABLE oidc_provider_client
    ADD COLUMN tenant_id uuid NOT NULL DEFAULT nullif(current_setting('broker.tenant', true), '')::uuid REFERENCES tenants_tenant (id),
    ADD UNIQUE (tenant_id, id);
ALTER TABLE oidc_provider_client_response_types
    ADD COLUMN tenant_id uuid NOT NULL DEFAULT nullif(current_setting('broker.tenant', true), '')::uuid,
    ADD UNIQUE (tenant_id, id),
    ADD FOREIGN KEY (tenant_id, client_id) REFERENCES oidc_provider_client (tenant_id, id);
ALTER TABLE oidc_provider_client ENABLE ROW LEVEL SECURITY;
ALTER TABLE oidc_provider_client_response_types ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON oidc_provider_client USING ({policy});
CREATE POLICY tenant ON oidc_provider_client_response_types USING ({policy});
ALTER TABLE authflows_clientext
    ADD FOREIGN KEY (tenant_id, client_pk) REFERENCES oidc_provider_client (tenant_id, id);
""".format(policy=TENANT_POLICY)


class Migration(migrations.Migration):
    dependencies = [("authflows", "0001_initial"), ("oidc_provider", "0027_alter_rsakey_options"), ("tenants", "0002_isolation")]

    operations = [
        Isolate(
            [
                "ConnectionGrant",
                "Theme",
                "Service",
                "RelyingParty",
                "ClientExt",
                "ClientSecret",
                "Key",
                "SubjectSecret",
                "Subject",
                "Login",
                "CoreSession",
                "Grant",
                "AccessToken",
            ]
        ),
        migrations.RunSQL(CLIENT_REGISTRY),
        lookup_function(
            "broker_tenants_with_open_core_sessions",
            "SELECT DISTINCT tenant_id FROM authflows_coresession WHERE state IN ('requesting', 'unconfirmed')",
        ),
        lookup_function(
            "broker_tenants_with_overdue_logins",
            "SELECT DISTINCT tenant_id FROM authflows_login WHERE ended_at IS NULL AND expires_at < now()",
        ),
    ]
