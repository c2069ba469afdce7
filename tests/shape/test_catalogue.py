"""What the database says of itself, against what isolation.py declares (decisions 6 and 7)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from broker_portal.embedded.addresses import APPLICATION_ROLE, OWNER_ROLE
from tenants.isolation import PRIVILEGES, TABLES, WRITE, TableClass
from tests.harness.ground import Ground

OWNED = {name for name, kind in TABLES.items() if kind in (TableClass.TENANT, TableClass.TENANT_BILLING)}
# django-oidc-provider's tables that hold a tenant's clients (docs/decisions/0002).
CLIENT_REGISTRY = {"oidc_provider_client", "oidc_provider_client_response_types"}
TENANT = "(tenant_id = (NULLIF(current_setting('broker.tenant'::text, true), ''::text))::uuid)"
OPERATOR = "(operator_id = (NULLIF(current_setting('broker.operator'::text, true), ''::text))::uuid)"
# Name: (expression, what it is for: * everything, r reading).
POLICIES = {
    TableClass.TENANT: {"tenant": (TENANT, "*")},
    TableClass.TENANT_BILLING: {"tenant": (TENANT, "*"), "operator": (OPERATOR, "r")},
    TableClass.OPERATOR: {"operator": (OPERATOR, "*")},
}
# They refuse what privileges refuse already, to the owner's hand too; none of a tenant's tables carries a rule. An AAP table is nobody's:
# that its cells leave no gap is refused by the database.
TRIGGERS = {
    "billing_aaptable": {"billing_aaptable_whole"},
    "billing_document": {"billing_document_frozen", "billing_document_kept", "billing_document_whole"},
    "billing_documentline": {"billing_documentline_frozen"},
    "billing_documentnumber": {"billing_documentnumber_frozen"},
    "billing_series": {"billing_series_onward", "billing_series_kept"},
}
# What runs as the owner and returns something else than tenants' ids.
OTHER_DEFINERS = {"broker_open_usage_partition", "broker_unplaced_usage"}
# A package refers to those before it, never after.
PACKAGES = ("django", "auth", "tenants", "account", "mfa", "oidc_provider", "billing", "authflows")


@pytest.fixture(scope="module")
def catalogue(ground: Ground) -> Iterator[psycopg.Connection]:
    with psycopg.connect(ground.superuser_url.replace("/postgres?", "/broker?"), autocommit=True) as found:
        yield found


def tables(catalogue: psycopg.Connection) -> set[str]:
    """Without partitions: what holds for their parent holds for them."""
    return column(
        catalogue,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition",
    )


def column(catalogue: psycopg.Connection, sql: str, *parameters: Any) -> set[Any]:
    return {row[0] for row in catalogue.execute(sql.encode(), parameters)}


def keys(catalogue: psycopg.Connection) -> Iterator[tuple[str, str, list[str]]]:
    """Table, kind of key, columns: every unique or exclusion index of every table."""
    yield from catalogue.execute(
        """SELECT c.relname, CASE WHEN i.indisprimary THEN 'primary' ELSE 'unique' END,
            array(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.n)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND (i.indisunique OR i.indisexclusion)"""
    )


def references(catalogue: psycopg.Connection) -> Iterator[tuple[str, list[str], str, list[str]]]:
    named = "JOIN pg_attribute ON attrelid = {} AND attnum = k.n ORDER BY k.o"
    names = f"array(SELECT attname::text FROM unnest({{}}) WITH ORDINALITY k (n, o) {named})"
    sql = f"""SELECT f.relname, {names.format("x.conkey", "f.oid")}, t.relname, {names.format("x.confkey", "t.oid")}
        FROM pg_constraint x JOIN pg_class f ON f.oid = x.conrelid JOIN pg_class t ON t.oid = x.confrelid WHERE x.contype = 'f'"""
    yield from catalogue.execute(sql.encode())


def package(table: str) -> str:
    if table.startswith(("usage_", "request_")):
        return "billing"
    return next(name for name in reversed(PACKAGES) if table.startswith(f"{name}_"))


def test_every_table_has_its_class_and_every_class_its_table(catalogue: psycopg.Connection) -> None:
    assert tables(catalogue) == set(TABLES)


def test_policies_are_the_two_texts(catalogue: psycopg.Connection) -> None:
    found: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for table, name, using, command, check, permissive, roles in catalogue.execute(
        """SELECT c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid), p.polcmd, p.polwithcheck IS NOT NULL, p.polpermissive,
            p.polroles
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"""
    ):
        found[table][name] = (using, command.decode() if isinstance(command, bytes) else command)
        assert (check, permissive, roles) == (False, True, [0]), table
    expected = {name: POLICIES[kind] for name, kind in TABLES.items() if kind in POLICIES}
    assert dict(found) == expected | dict.fromkeys(CLIENT_REGISTRY, POLICIES[TableClass.TENANT])


def test_row_level_security_is_enabled_where_there_is_a_policy_and_forced_nowhere(catalogue: psycopg.Connection) -> None:
    enabled = column(catalogue, "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace")
    assert enabled == {name for name, kind in TABLES.items() if kind in POLICIES} | CLIENT_REGISTRY
    assert column(catalogue, "SELECT relname FROM pg_class WHERE relforcerowsecurity") == set()


def test_every_key_of_a_tenant_table_contains_the_tenant(catalogue: psycopg.Connection) -> None:
    primary = {}
    for table, kind, columns in keys(catalogue):
        if table in OWNED:
            assert "tenant_id" in columns, f"{table}: {columns}"
            if kind == "primary":
                primary[table] = columns
    assert primary.keys() == OWNED
    assert {table: columns for table, columns in primary.items() if columns[0] != "tenant_id"} == {}


def test_tenant_columns_are_never_null(catalogue: psycopg.Connection) -> None:
    nullable = column(
        catalogue,
        "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = 'tenant_id' AND NOT a.attnotnull"
        " AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
    )
    assert nullable & OWNED == set()


def test_references_between_tenant_tables_are_composite_and_none_comes_from_outside(catalogue: psycopg.Connection) -> None:
    count = 0
    for table, columns, target, target_columns in references(catalogue):
        if target in OWNED:
            count += 1
            assert table in OWNED, f"{table} -> {target}"
            assert (columns[0], target_columns[0]) == ("tenant_id", "tenant_id"), f"{table}{columns} -> {target}{target_columns}"
        elif target in CLIENT_REGISTRY and table in OWNED:
            assert columns[0] == "tenant_id"
    assert count > 10


def test_no_reference_points_up_a_package(catalogue: psycopg.Connection) -> None:
    order = {name: rank for rank, name in enumerate(PACKAGES)}
    upward = {(t, target) for t, _, target, _ in references(catalogue) if order[package(target)] > order[package(t)]}
    assert upward == set()


def declared(table: str) -> dict[str, set[str]]:
    """Privilege -> columns; no columns: the whole table."""
    text = PRIVILEGES.get(table, "SELECT" if TABLES[table] is TableClass.SCHEME else WRITE)
    parts = re.findall(r"(\w+)(?:\s*\(([^)]*)\))?", re.sub(r"\s+", " ", text))
    return {privilege: set(columns.replace(" ", "").split(",")) if columns else set() for privilege, columns in parts}


def granted(catalogue: psycopg.Connection, role: str) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    ours = "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    held = f"LATERAL aclexplode({{}}) x LEFT JOIN pg_roles r ON r.oid = x.grantee WHERE coalesce(r.rolname, 'public') = %s AND {ours}"
    whole = f"SELECT c.relname, x.privilege_type FROM pg_class c, {held.format('c.relacl')}"
    for table, privilege in catalogue.execute(whole.encode(), [role]):
        found[table][privilege] = set()
    columns = "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    partial = f"SELECT c.relname, x.privilege_type, a.attname FROM {columns}, {held.format('a.attacl')}"
    for table, privilege, name in catalogue.execute(partial.encode(), [role]):
        found[table][privilege].add(name)
    return {table: dict(privileges) for table, privileges in found.items()}


def test_privileges_are_those_declared_and_partitions_have_none(catalogue: psycopg.Connection) -> None:
    expected = {table: declared(table) for table in TABLES}
    assert granted(catalogue, APPLICATION_ROLE) == {table: privileges for table, privileges in expected.items() if privileges}
    assert granted(catalogue, "public") == {}


def test_the_application_role_is_held_back_by_policies(catalogue: psycopg.Connection) -> None:
    row = catalogue.execute(
        """SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, pg_has_role(oid, %s::regrole, 'MEMBER'),
            has_schema_privilege(oid, 'public', 'CREATE'), EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)
        FROM pg_roles r WHERE rolname = %s""",
        [OWNER_ROLE, APPLICATION_ROLE],
    ).fetchone()
    assert row == (False,) * 8


def test_triggers_are_those_named(catalogue: psycopg.Connection) -> None:
    found = defaultdict(set)
    for table, name in catalogue.execute(
        """SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"""
    ):
        found[table].add(name)
    assert found == TRIGGERS


def test_what_runs_as_the_owner_tells_ids_only_and_cannot_be_led_astray(catalogue: psycopg.Connection) -> None:
    definers = list(
        catalogue.execute(
            """SELECT proname, pronargs, proretset, prorettype::regtype::text, proconfig, proacl::text FROM pg_proc
            WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
        )
    )
    assert len(definers) > len(OTHER_DEFINERS)
    for name, arguments, is_set, returns, config, acl in definers:
        # pg_temp last: else a temporary table of the caller's would be read, with its functions, as the owner.
        assert config == ["search_path=pg_catalog, public, pg_temp"], name
        assert "{=X" not in acl and ",=X" not in acl, f"{name}: everybody may call it"  # noqa: PT018
        assert f"{APPLICATION_ROLE}=X" in acl, name
        if name not in OTHER_DEFINERS:
            assert (arguments, is_set, returns) == (0, True, "uuid"), name


def test_only_core_functions_are_used(catalogue: psycopg.Connection) -> None:
    assert column(catalogue, "SELECT extname FROM pg_extension") - {"pg_stat_statements"} == {"plpgsql"}


def test_there_are_no_views_that_would_read_with_the_owners_eyes(catalogue: psycopg.Connection) -> None:
    views = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    assert {view for view in column(catalogue, views) if not view.startswith("pg_stat_statements")} == set()
