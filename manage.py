#!/usr/bin/env python
"""Django's command line for this installation."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broker_portal.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        sys.exit(f"The database cannot be used just now ({str(error).splitlines()[0]}). Is `make run` running, or DATABASE_URL right?")


if __name__ == "__main__":
    main()
