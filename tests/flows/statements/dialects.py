"""The dialects that clients may speak."""

from authflows.client_settings import CHOICES

DIALECTS: tuple[str, ...] = tuple(CHOICES["dialect"][1])
