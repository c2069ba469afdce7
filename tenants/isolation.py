"""Whose rows are whose: table classes, scopes, policies, privileges and the migration operations that make them.

A tenant is an explicit argument everywhere; row-level security is the second wall under it (architecture decisions 6 and 7).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState

TENANT_SETTING = "broker.tenant"
OPERATOR_SETTING = "broker.operator"
TENANT_POLICY = f"tenant_id = nullif(current_setting('{TENANT_SETTING}', true), '')::uuid"
OPERATOR_POLICY = f"operator_id = nullif(current_setting('{OPERATOR_SETTING}', true), '')::uuid"


class TableClass(Enum):
    """What kind of rows a table holds, and so who may see them."""

    TENANT = "tenant"  # one tenant's rows; policy on broker.tenant
    TENANT_BILLING = "tenant, read by its operator"  # the same, and a SELECT policy on broker.operator
    OPERATOR = "operator"  # one operator's rows; policy on broker.operator
    SCHEME = "scheme"  # what MitID decides: everybody reads
    DIRECTORY = "directory"  # looked up before a tenant is known; no policy
    FRAMEWORK = "framework"  # no policy; a tenant's id there is data
    PROVIDER = "provider"  # django-oidc-provider's own tables (docs/decisions/0002)


TABLES: dict[str, TableClass] = {
    "tenants_operator": TableClass.DIRECTORY,
    "tenants_tenant": TableClass.DIRECTORY,
    "tenants_issuer": TableClass.DIRECTORY,
    "tenants_domain": TableClass.DIRECTORY,
    "tenants_membership": TableClass.DIRECTORY,
    "tenants_staffrole": TableClass.DIRECTORY,
    "tenants_environment": TableClass.TENANT,
    "tenants_datakey": TableClass.TENANT,
    "tenants_auditentry": TableClass.TENANT,
    "tenants_audithead": TableClass.TENANT,
    "tenants_operatorauditentry": TableClass.OPERATOR,
    "tenants_operatoraudithead": TableClass.OPERATOR,
    "tenants_user": TableClass.FRAMEWORK,
    "tenants_signinlink": TableClass.FRAMEWORK,
    "tenants_installation": TableClass.FRAMEWORK,
    "tenants_heartbeat": TableClass.FRAMEWORK,
    "tenants_work": TableClass.FRAMEWORK,
    "tenants_outboxmessage": TableClass.FRAMEWORK,
    "tenants_ratelimit": TableClass.FRAMEWORK,
    "tenants_masterkey": TableClass.FRAMEWORK,
    "authflows_connection": TableClass.DIRECTORY,
    "authflows_connectiongrant": TableClass.TENANT,
    "authflows_logo": TableClass.TENANT,
    "authflows_theme": TableClass.TENANT,
    "authflows_service": TableClass.TENANT,
    "authflows_relyingparty": TableClass.TENANT,
    "authflows_clientext": TableClass.TENANT,
    "authflows_clientsecret": TableClass.TENANT,
    "authflows_key": TableClass.TENANT,
    "authflows_subjectsecret": TableClass.TENANT,
    "authflows_subject": TableClass.TENANT,
    "authflows_subjectalias": TableClass.TENANT,
    "authflows_login": TableClass.TENANT,
    "authflows_brokersession": TableClass.TENANT,
    "authflows_coresession": TableClass.TENANT,
    "authflows_grant": TableClass.TENANT,
    "authflows_accesstoken": TableClass.TENANT,
    "authflows_apitoken": TableClass.TENANT,
    "authflows_simulatedblock": TableClass.FRAMEWORK,
    "authflows_simulatedchip": TableClass.FRAMEWORK,
    "authflows_simulatedperson": TableClass.FRAMEWORK,
    "authflows_refreshtoken": TableClass.TENANT,
    "authflows_pushedrequest": TableClass.TENANT,
    "authflows_spentjti": TableClass.TENANT,
    "authflows_refusedredirect": TableClass.TENANT,
    "authflows_cprconsent": TableClass.TENANT,
    "authflows_rememberedcpr": TableClass.TENANT,
    "authflows_simulatedsession": TableClass.FRAMEWORK,
    "authflows_simulatorledger": TableClass.FRAMEWORK,
    "usage_event": TableClass.TENANT_BILLING,
    "request_outcome": TableClass.TENANT_BILLING,
    "request_void": TableClass.TENANT_BILLING,
    "usage_pending": TableClass.TENANT,
    "usage_day": TableClass.TENANT_BILLING,
    "usage_hour": TableClass.TENANT_BILLING,
    "usage_recount": TableClass.TENANT_BILLING,
    "usage_client": TableClass.TENANT_BILLING,
    "billing_contractyear": TableClass.SCHEME,
    "billing_aaptable": TableClass.SCHEME,
    "billing_aapcell": TableClass.SCHEME,
    "billing_aapdecision": TableClass.SCHEME,
    "billing_aapapproval": TableClass.SCHEME,
    "billing_outcomerule": TableClass.SCHEME,
    "billing_schemecharge": TableClass.SCHEME,
    "billing_plan": TableClass.OPERATOR,
    "billing_planversion": TableClass.OPERATOR,
    "billing_plantier": TableClass.OPERATOR,
    "billing_planprice": TableClass.OPERATOR,
    "billing_statementline": TableClass.OPERATOR,
    "billing_series": TableClass.OPERATOR,
    "billing_billingaccount": TableClass.TENANT_BILLING,
    "billing_buyerversion": TableClass.TENANT_BILLING,
    "billing_billingmonth": TableClass.TENANT_BILLING,
    "billing_accountplan": TableClass.TENANT_BILLING,
    "billing_oneoff": TableClass.TENANT_BILLING,
    "billing_proposedoneoff": TableClass.TENANT_BILLING,
    "billing_settlement": TableClass.TENANT_BILLING,
    "billing_document": TableClass.TENANT_BILLING,
    "billing_documentline": TableClass.TENANT_BILLING,
    "billing_documentrendering": TableClass.TENANT_BILLING,
    "billing_documentnumber": TableClass.DIRECTORY,
    "oidc_provider_client": TableClass.PROVIDER,
    "oidc_provider_client_response_types": TableClass.PROVIDER,
    "oidc_provider_responsetype": TableClass.SCHEME,
    "oidc_provider_code": TableClass.PROVIDER,
    "oidc_provider_token": TableClass.PROVIDER,
    "oidc_provider_userconsent": TableClass.PROVIDER,
    "oidc_provider_rsakey": TableClass.PROVIDER,
    "django_migrations": TableClass.FRAMEWORK,
    "django_session": TableClass.FRAMEWORK,
    "django_content_type": TableClass.FRAMEWORK,
    "auth_group": TableClass.FRAMEWORK,
    "auth_group_permissions": TableClass.FRAMEWORK,
    "auth_permission": TableClass.FRAMEWORK,
    "account_emailaddress": TableClass.FRAMEWORK,
    "account_emailconfirmation": TableClass.FRAMEWORK,
    "mfa_authenticator": TableClass.FRAMEWORK,
}

WRITE = "SELECT, INSERT, UPDATE, DELETE"
APPEND = "SELECT, INSERT"
PRIVILEGES: dict[str, str] = {
    "tenants_auditentry": APPEND,
    "tenants_operatorauditentry": APPEND,
    "tenants_audithead": "SELECT, INSERT, UPDATE",
    "tenants_operatoraudithead": "SELECT, INSERT, UPDATE",
    "authflows_simulatorledger": APPEND,
    "authflows_logo": APPEND,
    "usage_event": APPEND,
    "request_outcome": APPEND,
    "request_void": APPEND,
    "usage_day": "SELECT, INSERT, UPDATE",
    "usage_hour": "SELECT, INSERT, UPDATE",
    "usage_recount": "SELECT, INSERT, UPDATE",
    "usage_client": "SELECT, INSERT, UPDATE",
    "billing_contractyear": APPEND,
    "billing_aaptable": APPEND,
    "billing_aapcell": APPEND,
    "billing_aapdecision": APPEND,
    "billing_aapapproval": APPEND,
    "billing_outcomerule": APPEND,
    "billing_schemecharge": APPEND,
    "billing_planversion": APPEND,
    "billing_plantier": APPEND,
    "billing_planprice": APPEND,
    "billing_statementline": APPEND,
    "billing_oneoff": APPEND,
    "billing_proposedoneoff": "SELECT, INSERT, UPDATE (withdrawn_by)",
    "billing_settlement": APPEND,
    "billing_accountplan": APPEND,
    "billing_buyerversion": APPEND,
    "billing_billingaccount": "SELECT, INSERT, UPDATE",
    "billing_series": "SELECT, INSERT, UPDATE (last, hash)",
    # What a draft charges is never changed; what comes with approval and issue is.
    "billing_document": (
        "SELECT, INSERT, UPDATE (state, vat_treatment, vat, gross, snapshot, approved_at, approved_by, number, series_year, sequence,"
        " issue_date, due_date, issued_at, hash, dropped_at, drop_reason)"
    ),
    "billing_documentline": APPEND,
    "billing_documentnumber": APPEND,
    "django_migrations": "SELECT",
    "oidc_provider_responsetype": "SELECT",
    "oidc_provider_code": "SELECT, DELETE",
    "oidc_provider_token": "SELECT, DELETE",
    "oidc_provider_userconsent": "SELECT, DELETE",
    "oidc_provider_rsakey": "",
}


@contextmanager
def _scope(setting: str, value: uuid.UUID) -> Iterator[None]:
    if not connection.in_atomic_block:
        # The transaction ends with the scope, and the setting with it.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [setting, str(value)])
            yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [setting])
        before = cursor.fetchone()[0] or ""
        cursor.execute("SELECT set_config(%s, %s, true)", [setting, str(value)])
        yield
        # Not in a finally: after an error the savepoint's rollback restores it.
        cursor.execute("SELECT set_config(%s, %s, true)", [setting, before])


@contextmanager
def tenant_scope(tenant_id: uuid.UUID) -> Iterator[None]:
    """A transaction (or savepoint) that sees and writes this tenant's rows. Catch exceptions outside it."""
    with _scope(TENANT_SETTING, tenant_id):
        yield


@contextmanager
def operator_scope(operator_id: uuid.UUID, reason: str) -> Iterator[None]:
    """A transaction that reads billing rows of all the operator's tenants and writes the operator's own.

    `reason` stands in the statement log, so that a reader of it knows why rows of many tenants were read.
    """
    with _scope(OPERATOR_SETTING, operator_id), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('broker.reason', %s, true)", [reason])
        yield


@contextmanager
def tenant_and_operator_scope(tenant_id: uuid.UUID, operator_id: uuid.UUID, reason: str) -> Iterator[None]:
    """Both scopes; one statement where they begin the transaction, in which there is then nothing to restore."""
    if connection.in_atomic_block:
        with operator_scope(operator_id, reason), tenant_scope(tenant_id):
            yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, true), set_config('broker.reason', %s, true), set_config(%s, %s, true)",
            [OPERATOR_SETTING, str(operator_id), reason, TENANT_SETTING, str(tenant_id)],
        )
        yield


def tenant_ids(function: str = "broker_tenant_ids") -> list[uuid.UUID]:
    """The ids that a `lookup_function` returns; by default every tenant's."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {connection.ops.quote_name(function)}() AS id ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def grant_privileges(role: str) -> None:
    """Gives the application role exactly what each table's class allows. Run by `migrate`, as the owner."""
    quoted = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        for table in sorted(TABLES.keys() & existing):
            allowed = PRIVILEGES.get(table, "SELECT" if TABLES[table] is TableClass.SCHEME else WRITE)
            name = connection.ops.quote_name(table)
            cursor.execute(f"REVOKE ALL ON {name} FROM {quoted}")
            if allowed:
                cursor.execute(f"GRANT {allowed} ON {name} TO {quoted}")
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'broker\\_%' AND pronamespace = 'public'::regnamespace"
        )
        for (function,) in cursor.fetchall():
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {quoted}")


def policy_statements(table: str, table_class: TableClass) -> list[str]:
    """Row-level security of one table: ENABLEd, not FORCEd (decision 6)."""
    statements = [f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY']
    if table_class in (TableClass.TENANT, TableClass.TENANT_BILLING):
        statements.append(f'CREATE POLICY tenant ON "{table}" USING ({TENANT_POLICY})')
    if table_class is TableClass.TENANT_BILLING:
        statements.append(f'CREATE POLICY operator ON "{table}" FOR SELECT USING ({OPERATOR_POLICY})')
    if table_class is TableClass.OPERATOR:
        statements.append(f'CREATE POLICY operator ON "{table}" USING ({OPERATOR_POLICY})')
    return statements


def lookup_function(name: str, query: str) -> RunSQL:
    """A SECURITY DEFINER function that returns tenants' ids and can tell nothing else: how sweeps find their tenants."""
    # pg_temp last: else a temporary table of the caller's, with functions of its own, would be read as the owner.
    safely = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
    return RunSQL(
        f"CREATE FUNCTION {name}() RETURNS SETOF uuid LANGUAGE sql STABLE {safely} AS $$ {query} $$;"
        f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC",
        f"DROP FUNCTION {name}()",
    )


class Isolate(Operation):
    """Gives tables their key, their references and their policy, by class.

    Tenant tables: primary key (tenant_id, id); each TenantRef becomes a composite foreign key. Name the referenced model first.
    """

    reduces_to_sql = True
    reversible = False

    def __init__(self, models: Sequence[str]) -> None:
        self.models = list(models)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model state is already right: Django is told of the key by UniqueConstraint(tenant, id)."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        tables = [to_state.apps.get_model(app_label, name) for name in self.models]
        # Deferred constraints of CreateModel must exist before they are replaced.
        for statement in schema_editor.deferred_sql:
            schema_editor.execute(statement)
        schema_editor.deferred_sql.clear()
        for model in tables:
            self._key(schema_editor, model)
        for model in tables:
            self._references(schema_editor, model)
            for statement in policy_statements(model._meta.db_table, TABLES[model._meta.db_table]):
                schema_editor.execute(statement)

    @staticmethod
    def _key(schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        table = model._meta.db_table
        if TABLES[table] not in (TableClass.TENANT, TableClass.TENANT_BILLING):
            return
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and tuple(constraint.fields) == ("tenant", "id"):
                schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint.name}"')
        schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey", ADD PRIMARY KEY (tenant_id, id)')

    @staticmethod
    def _references(schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        table = model._meta.db_table
        for field in model._meta.private_fields + list(model._meta.local_fields):
            column = getattr(field, "tenant_ref_column", None)
            if column is None:
                continue
            target: Any = field.related_model
            cascade = " ON DELETE CASCADE" if getattr(field, "cascades", False) else ""
            schema_editor.execute(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_fk" FOREIGN KEY (tenant_id, "{column}")'
                f' REFERENCES "{target._meta.db_table}" (tenant_id, id){cascade} DEFERRABLE INITIALLY IMMEDIATE'
            )

    def describe(self) -> str:
        return f"Isolate {', '.join(self.models)}"
