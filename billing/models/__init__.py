"""Rows of counts, prices and documents."""

from billing.models.billing_account import BillingAccount, BillingMonth, BuyerVersion
from billing.models.documents import Document, DocumentLine, DocumentNumber, DocumentRendering, Kind, Series, State
from billing.models.prices import AccountPlan, PassOn, Plan, PlanTier, PlanVersion
from billing.models.scheme import AapDecision, ContractYear, SchemeCharge
from billing.models.usage import (
    REQUESTED,
    VOIDED,
    Outcome,
    RequestOutcome,
    RequestVoid,
    UsageClient,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsagePending,
    UsageRecount,
)

__all__ = [
    "REQUESTED",
    "VOIDED",
    "AapDecision",
    "AccountPlan",
    "BillingAccount",
    "BillingMonth",
    "BuyerVersion",
    "ContractYear",
    "Document",
    "DocumentLine",
    "DocumentNumber",
    "DocumentRendering",
    "Kind",
    "Outcome",
    "PassOn",
    "Plan",
    "PlanTier",
    "PlanVersion",
    "RequestOutcome",
    "RequestVoid",
    "SchemeCharge",
    "Series",
    "State",
    "UsageClient",
    "UsageDay",
    "UsageEvent",
    "UsageHour",
    "UsagePending",
    "UsageRecount",
]
