"""What tenants.outbox holds, sent: the first word of a message's kind says how."""

from collections.abc import Callable

from broker_portal.delivery import email, logout
from tenants.models import OutboxMessage

SENDERS: dict[str, Callable[[OutboxMessage], None]] = {"email": email.send, "logout": logout.send}


def deliver(message: OutboxMessage) -> None:
    """Raises LookupError for a kind that nothing sends, and whatever the sender raises: the message then stays."""
    SENDERS[message.kind.partition(".")[0]](message)
