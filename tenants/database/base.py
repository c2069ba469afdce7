"""PostgreSQL as Django speaks it, for tables whose primary key is (tenant_id, id)."""

import select

import psycopg
from django.db.backends.postgresql import base, features
from psycopg.pq import PipelineStatus, TransactionStatus


class DatabaseFeatures(features.DatabaseFeatures):
    # Grouping by `id` alone is refused by the server: the key is (tenant_id, id).
    allows_group_by_selected_pks = False


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def ensure_connection(self) -> None:
        """Replaces a connection that the server has ended while it was idle: after a restart of PostgreSQL no request fails of it."""
        if self.connection is not None and not self.in_atomic_block and _ended(self.connection):
            self.close()
        super().ensure_connection()

    def close_if_unusable_or_obsolete(self) -> None:
        """At both ends of a request: a connection that the server has ended is dropped, not replaced, so that nothing is raised there."""
        if self.connection is not None and not self.in_atomic_block and _ended(self.connection):
            self.close()
        super().close_if_unusable_or_obsolete()


def _ended(connection: "psycopg.Connection[object]") -> bool:
    """Whether an idle connection has something to read: the server speaks first only to say goodbye. Asks the kernel, not the server."""
    if connection.closed:
        return True
    pgconn = connection.pgconn
    if pgconn.transaction_status != TransactionStatus.IDLE or pgconn.pipeline_status != PipelineStatus.OFF:
        return False
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))
