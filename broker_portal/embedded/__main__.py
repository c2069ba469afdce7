"""`python -m broker_portal.embedded` is what `make run` starts."""

import sys

from broker_portal.embedded.run import main

if __name__ == "__main__":
    sys.exit(main())
