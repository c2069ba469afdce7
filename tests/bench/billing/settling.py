"""A contract year of all accounts settled: what the preview takes, and the commit that makes a document for each."""

from __future__ import annotations

import time
from decimal import Decimal

from billing import reconciliation, supplier
from billing.models import AapApproval, AapDecision, BillingAccount, ContractYear, Document, DocumentLine
from billing.money import amount_of
from billing.periods import Month
from billing.plans import ILLUSTRATIVE_AAP
from tenants.isolation import operator_scope
from tests.bench.billing.ground import Bench, copy, use
from tests.bench.billing.sizes import Sizes, against

FINAL = Decimal("0.223")


def figures(bench: Bench, sizes: Sizes) -> dict[str, object]:
    scale = sizes.accounts / 5_000
    use(bench, bench.year.first, bench.year.last, 12 * sizes.requests)
    _billed(bench)
    _decided(bench)
    began = time.perf_counter()
    shown = reconciliation.preview(bench.operator, bench.year.number)
    previewed = time.perf_counter() - began
    began = time.perf_counter()
    committed = reconciliation.commit(bench.operator, bench.year.number, by="staff:bench")
    taken = time.perf_counter() - began
    documents = sum(1 for row in committed.accounts if row.document)
    assert documents == len(shown.accounts) == sizes.accounts, f"{documents} documents of {sizes.accounts} accounts"
    began = time.perf_counter()
    again = reconciliation.commit(bench.operator, bench.year.number, by="staff:bench")
    return {
        "accounts": sizes.accounts,
        "preview_seconds": against(previewed, at_most=10 * scale),
        "commit_seconds": against(taken, at_most=60 * scale),
        "ms_per_account": round(taken * 1000 / sizes.accounts, 2),
        "documents": documents,
        "second_run_seconds": round(time.perf_counter() - began, 2),
        "second_run_documents": against(sum(1 for row in again.accounts if row.document), at_most=0),
    }


def _billed(bench: Bench) -> None:
    """A document for each month of the year and account, as far as a settlement reads them."""
    ids = [tenant.id for tenant in bench.tenants]
    with operator_scope(bench.operator.id, "bench"):
        accounts = {account.tenant_id: account for account in BillingAccount.objects.filter(tenant_id__in=ids)}
        counts = supplier.counts(ids, bench.year)
    documents, lines = [], []
    for number, each in enumerate(counts, 1):
        document = _document(accounts[each.tenant_id], each.month, number, amount_of(each.requested, Decimal(ILLUSTRATIVE_AAP)))
        documents.append(document)
        lines.append(_line(document, each.requested))
    with bench.owner() as owner, owner.cursor() as cursor:
        copy(cursor, documents)
        copy(cursor, lines)
        for table in ("billing_document", "billing_documentline"):
            owner.execute(f"VACUUM ANALYZE {table}")


def _document(account: BillingAccount, month: Month, number: int, amount: Decimal) -> Document:
    return Document(
        tenant_id=account.tenant_id,
        operator_id=account.operator_id,
        account_id=account.id,
        kind="invoice",
        idempotency_key=f"usage:{month}:1",
        state="issued",
        period_first=month.first,
        period_last=month.last,
        currency="DKK",
        language="da",
        vat_treatment="standard",
        counted_through=month.first,
        net=amount,
        vat=Decimal(0),
        gross=amount,
        illustrative=True,
        price_rows=[],
        snapshot="{}",
        number=f"B-{number:07}",
        series_year=month.year,
        sequence=number,
        issue_date=month.next().first,
        hash=bytes(32),
    )


def _line(document: Document, requests: int) -> DocumentLine:
    return DocumentLine(
        tenant_id=document.tenant_id,
        operator_id=document.operator_id,
        document_id=document.id,
        position=1,
        kind="aap",
        period_first=document.period_first,
        period_last=document.period_last,
        quantity=Decimal(requests),
        unit="request",
        unit_price=Decimal(ILLUSTRATIVE_AAP),
        amount=document.net,
        text="aap",
    )


def _decided(bench: Bench) -> None:
    decision = AapDecision(
        contract_year=ContractYear.objects.get(number=bench.year.number),
        kind=AapDecision.Kind.FINAL,
        requests=670_000_000,
        authenticators=1_300_000,
        price=FINAL,
        source="illustrative",
        entered_by="staff:one",
        illustrative=True,
    )
    with bench.owner() as owner, owner.cursor() as cursor:
        copy(cursor, [decision])
        copy(cursor, [AapApproval(decision=decision, approved_by="staff:two")])
