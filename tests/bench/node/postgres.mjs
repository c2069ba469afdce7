// oidc-provider's adapter on PostgreSQL: one table, named prepared statements, a pool of 8. PGHOST, PGUSER and PGDATABASE say where.
import pg from "pg";

const TABLE = `CREATE TABLE IF NOT EXISTS payloads (
  model text, id text, payload jsonb NOT NULL, grant_id text, uid text, user_code text, expires_at timestamptz, consumed_at timestamptz,
  PRIMARY KEY (model, id));
  CREATE INDEX IF NOT EXISTS payloads_grant ON payloads (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS payloads_uid ON payloads (model, uid) WHERE uid IS NOT NULL`;
const ALIVE = "AND (expires_at IS NULL OR expires_at > now())";
const STATEMENTS = {
  upsert: `INSERT INTO payloads (model, id, payload, grant_id, uid, user_code, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
      user_code = excluded.user_code, expires_at = excluded.expires_at`,
  find: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND id = $2 ${ALIVE}`,
  findByUid: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND uid = $2 ${ALIVE}`,
  findByUserCode: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND user_code = $2 ${ALIVE}`,
  consume: "UPDATE payloads SET consumed_at = now() WHERE model = $1 AND id = $2",
  destroy: "DELETE FROM payloads WHERE model = $1 AND id = $2",
  revoke: "DELETE FROM payloads WHERE grant_id = $1",
};

export async function makeAdapter() {
  const pool = new pg.Pool({ max: 8 });
  await pool.query(TABLE);
  const run = (name, values) => pool.query({ name, text: STATEMENTS[name], values });
  const one = async (name, values) => {
    const row = (await run(name, values)).rows[0];
    return row && { ...row.payload, ...(row.consumed_at ? { consumed: true } : {}) };
  };
  return class {
    constructor(model) {
      this.model = model;
    }
    upsert(id, payload, seconds) {
      return run("upsert", [this.model, id, payload, payload.grantId, payload.uid, payload.userCode, seconds ?? null]);
    }
    find(id) {
      return one("find", [this.model, id]);
    }
    findByUid(uid) {
      return one("findByUid", [this.model, uid]);
    }
    findByUserCode(code) {
      return one("findByUserCode", [this.model, code]);
    }
    consume(id) {
      return run("consume", [this.model, id]);
    }
    destroy(id) {
      return run("destroy", [this.model, id]);
    }
    revokeByGrantId(grantId) {
      return run("revoke", [grantId]);
    }
  };
}
