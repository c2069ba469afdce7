"""How many issued documents a second one process turns into their files."""

from __future__ import annotations

import time

from billing.exports import renderings
from billing.models import Document, State
from tenants.isolation import operator_scope
from tests.bench.billing.ground import Bench
from tests.bench.billing.sizes import Sizes


def figures(bench: Bench, sizes: Sizes) -> dict[str, object]:
    ours = [tenant.id for tenant in bench.tenants]
    with operator_scope(bench.operator.id, "bench"):
        rows = Document.objects.filter(tenant_id__in=ours, state=State.ISSUED, period_first=bench.month.first)
        documents = list(rows.order_by("tenant_id")[: sizes.documents])
    began = time.perf_counter()
    for document in documents:
        for form in renderings.Format:
            renderings.render(document, form)
    return {"documents": len(documents), "documents_per_second": round(len(documents) / (time.perf_counter() - began), 2)}
