"""PostgreSQL as Django speaks it, for tables whose primary key is (tenant_id, id)."""

from django.db.backends.postgresql import base, features


class DatabaseFeatures(features.DatabaseFeatures):
    # Grouping by `id` alone is refused by the server: the key is (tenant_id, id).
    allows_group_by_selected_pks = False


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
