"""Facts and counts (decision 20), in SQL: partitions, composite keys and the CHECK that ties a request's time to its id."""

from django.db import migrations

from tenants.isolation import TABLES, policy_statements

# A UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, version, variant. Equality, not floor: else one id would have a thousand keys
# (id, occurred_at).
TIED = """CHECK (
    extract(epoch FROM occurred_at) * 1000 = ('x' || encode(substring(uuid_send(request_id) FROM 1 FOR 6), 'hex'))::bit(48)::bigint
    AND get_byte(uuid_send(request_id), 6) >> 4 = 7 AND get_byte(uuid_send(request_id), 8) >> 6 = 2)"""

FACTS = f"""
CREATE TABLE usage_event (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    request_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    environment_id uuid NOT NULL,
    relying_party_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    action text NOT NULL,
    usage_model text NOT NULL,
    core_client boolean NOT NULL,
    CONSTRAINT usage_event_time {TIED},
    PRIMARY KEY (tenant_id, request_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE usage_event_default PARTITION OF usage_event DEFAULT;

CREATE TABLE request_outcome (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    request_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL CHECK (outcome IN ('completed', 'cancelled', 'failed', 'expired')),
    authenticator text NOT NULL,
    level text NOT NULL,
    ended_at timestamptz NOT NULL,
    CONSTRAINT request_outcome_time {TIED},
    PRIMARY KEY (tenant_id, request_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE request_outcome_default PARTITION OF request_outcome DEFAULT;

CREATE TABLE request_void (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    request_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason <> ''),
    voided_by text NOT NULL,
    CONSTRAINT request_void_time {TIED},
    PRIMARY KEY (tenant_id, request_id, occurred_at)
);

CREATE TABLE usage_pending (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('requested', 'completed', 'cancelled', 'failed', 'expired', 'voided')),
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, request_id, what)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
"""

DIMENSIONS = """
    operator_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    relying_party_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    action text NOT NULL,
    usage_model text NOT NULL,
    core_client boolean NOT NULL,
    what text NOT NULL CHECK (what IN ('requested', 'completed', 'cancelled', 'failed', 'expired', 'voided')),
    n bigint NOT NULL,"""
KEY = "operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what"

COUNTS = f"""
CREATE TABLE usage_day (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    posted date NOT NULL CHECK (extract(day FROM posted) = 1 AND posted >= date_trunc('month', day::timestamp)::date),{DIMENSIONS}
    PRIMARY KEY (tenant_id, day, posted, {KEY})
) WITH (fillfactor = 80);

CREATE TABLE usage_hour (
    tenant_id uuid NOT NULL,
    hour timestamptz NOT NULL CHECK (extract(epoch FROM hour) % 3600 = 0),{DIMENSIONS}
    PRIMARY KEY (tenant_id, hour, {KEY})
) WITH (fillfactor = 80);

CREATE TABLE usage_recount (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    day date NOT NULL,
    touches bigint NOT NULL DEFAULT 1,
    counted_at timestamptz,
    differences jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant_id, day)
);

CREATE TABLE usage_client (
    tenant_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    relying_party_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    environment_kind text NOT NULL CHECK (environment_kind IN ('test', 'production')),
    client_id text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, relying_party_id)
);
"""

# Opens a month and nothing else. A month that begins while its rows already lie in the DEFAULT partition takes them along.
PARTITIONS = """
CREATE FUNCTION broker_open_usage_partition(month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    starts timestamptz := month::timestamp AT TIME ZONE 'Europe/Copenhagen';
    ends timestamptz := (month + interval '1 month') AT TIME ZONE 'Europe/Copenhagen';
    parent text;
    part text;
    opened boolean := false;
BEGIN
    IF month IS NULL OR extract(day FROM month) <> 1 OR month < date '2021-05-01' OR month > now() + interval '2 years' THEN
        RAISE EXCEPTION 'not a month to open: %', month USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH parent IN ARRAY ARRAY['usage_event', 'request_outcome'] LOOP
        part := parent || to_char(month, '_YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
        EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', part, parent);
        EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE occurred_at >= $1 AND occurred_at < $2 RETURNING *)'
                       ' INSERT INTO public.%I SELECT * FROM moved', parent || '_default', part) USING starts, ends;
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', parent, part, starts, ends);
        opened := true;
    END LOOP;
    RETURN opened;
END $$;
REVOKE ALL ON FUNCTION broker_open_usage_partition(date) FROM PUBLIC;

CREATE FUNCTION broker_unplaced_usage() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (SELECT count(*) FROM public.usage_event_default) + (SELECT count(*) FROM public.request_outcome_default) $$;
REVOKE ALL ON FUNCTION broker_unplaced_usage() FROM PUBLIC;
"""

TABLES_HERE = ["usage_event", "request_outcome", "request_void", "usage_pending", "usage_day", "usage_hour", "usage_recount", "usage_client"]
UNDO = f"""
DROP FUNCTION broker_open_usage_partition(date);
DROP FUNCTION broker_unplaced_usage();
DROP TABLE {", ".join(TABLES_HERE)};
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        migrations.RunSQL(FACTS + COUNTS + PARTITIONS, UNDO),
        *(
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for table in TABLES_HERE
            for statement in policy_statements(table, TABLES[table])
        ),
    ]
