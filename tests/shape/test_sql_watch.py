"""The judge is judged first: planted faults must be found, and what is right must pass."""

import pytest

from tests.shape.sql_watch import WITHOUT_TENANT, violations

TABLES = ("login", "grant_row", "rp")


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "login"."id" FROM "login" WHERE ("login"."tenant_id" = $1 AND "login"."id" = $2)',
        'SELECT "rp"."tenant_id" FROM "login" INNER JOIN "rp" ON ("login"."tenant_id" = "rp"."tenant_id" AND "login"."rp_id" = "rp"."id")',
        'SELECT COUNT(*) FROM (SELECT "login"."id" AS c FROM "login" WHERE "login"."tenant_id" = $1 GROUP BY 1) subquery',
        'SELECT 1 FROM "login" U0 WHERE (U0."tenant_id", U0."rp_id") IN (($1, $2))',
        "UPDATE login SET state = $1 WHERE tenant_id = $2 AND id = $3 RETURNING id",
        "UPDATE login AS l SET state = 'x' FROM grant_row g WHERE l.tenant_id = $1 AND g.tenant_id = l.tenant_id AND g.login_id = l.id",
        'DELETE FROM "login" WHERE ("login"."id" = $1 AND "login"."tenant_id" = $2)',
        "DELETE FROM login l USING rp WHERE l.tenant_id = $1 AND rp.tenant_id = $1 AND l.rp_id = rp.id",
        "INSERT INTO login (tenant_id, id) VALUES ($1, $2) ON CONFLICT (tenant_id, id) DO UPDATE SET state = excluded.state",
        "INSERT INTO login AS l (id, tenant_id) SELECT $1, g.tenant_id FROM grant_row g WHERE g.tenant_id = $2",
        "WITH x AS (UPDATE login SET a = 1 WHERE tenant_id = $1 RETURNING id) INSERT INTO grant_row (tenant_id, id) SELECT $1, id FROM x",
        "SELECT l.id FROM login l LEFT JOIN LATERAL (SELECT * FROM rp WHERE rp.tenant_id = $1 LIMIT 1) r ON true WHERE l.tenant_id = $1",
        "SELECT id FROM login WHERE tenant_id = $1 AND a IS DISTINCT FROM $2 AND extract(epoch FROM b) > 3 FOR UPDATE SKIP LOCKED",
        "SELECT l.id FROM login l JOIN rp USING (tenant_id) WHERE l.tenant_id = $1 AND rp.tenant_id = $1",
        "SELECT 'FROM login', $$ FROM rp $$ FROM other -- FROM login\n",
        "SELECT f.id FROM broker_tenant_ids() AS f, unnest($1::uuid[]) AS u (id) WHERE f.id = u.id",
        f"SELECT * FROM login WHERE {WITHOUT_TENANT}",
        "SET LOCAL statement_timeout = 100",
    ],
)
def test_what_names_its_tenant_passes(sql: str) -> None:
    assert violations(sql, TABLES) == []


@pytest.mark.parametrize(
    ("sql", "unbound"),
    [
        ('SELECT "login"."tenant_id", "login"."id" FROM "login" WHERE "login"."id" = $1', ["login"]),
        ("SELECT tenant_id FROM login ORDER BY tenant_id", ["login"]),
        ("SELECT l.id FROM login l JOIN rp r ON l.rp_id = r.id WHERE l.tenant_id = $1", ["rp r"]),
        ("SELECT l.id FROM login l, rp WHERE l.tenant_id = $1", ["rp"]),
        ("SELECT 1 FROM other o WHERE o.tenant_id = $1 AND EXISTS (SELECT 1 FROM login l WHERE l.id = o.id)", ["login l"]),
        ("UPDATE login SET tenant_id = $1 WHERE id = $2", ["login"]),
        ("DELETE FROM login WHERE id = $1", ["login"]),
        ("DELETE FROM login l USING rp WHERE l.tenant_id = $1 AND l.rp_id = rp.id", ["rp"]),
        ("INSERT INTO login (id) VALUES ($1)", ["login"]),
        ("INSERT INTO login (id) VALUES ($1) ON CONFLICT (tenant_id, id) DO NOTHING", ["login"]),
        ("SELECT 1 FROM login WHERE tenant_id = $1 UNION ALL SELECT 1 FROM rp", ["rp"]),
        ("WITH x AS (SELECT id FROM login) SELECT * FROM x", ["login"]),
        ("SELECT l.id FROM public.login l LEFT JOIN LATERAL (SELECT * FROM rp LIMIT 1) r ON true WHERE l.tenant_id = $1", ["rp"]),
        ("SELECT count(*) FROM login HAVING max(tenant_id) = $1", ["login"]),
    ],
)
def test_a_planted_fault_is_found(sql: str, unbound: list[str]) -> None:
    assert violations(sql, TABLES) == unbound
