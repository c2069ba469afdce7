"""What `make run` brings along so that a fresh clone needs nothing installed: PostgreSQL, the queue and one supervisor for all processes.

Settings import this package, so it imports neither Django nor psycopg.
"""

from broker_portal.embedded.addresses import default_queue_url, default_urls, queue_options, secret_file

__all__ = ["default_queue_url", "default_urls", "queue_options", "secret_file"]
