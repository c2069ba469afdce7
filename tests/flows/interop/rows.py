"""The rows that real clients are driven through: every two values that can meet do in some of them.

Found by `python -m tests.flows.interop.pairs`; that nothing is missing is tested.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.flows.interop.array import Row

ROWS = [Row(**json.loads(line)) for line in (Path(__file__).parent / "rows.jsonl").read_text().splitlines()]
