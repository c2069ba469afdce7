"""Rows of counts, prices and documents."""

from billing.models.billing_account import BillingAccount, BillingMonth, BuyerVersion
from billing.models.documents import Document, DocumentLine, DocumentNumber, DocumentRendering, Kind, Series, State
from billing.models.prices import AccountPlan, OneOff, PassOn, Period, Plan, PlanPrice, PlanTier, PlanVersion, ProposedOneOff, TierMode
from billing.models.scheme import AapApproval, AapCell, AapDecision, AapTable, ContractYear, OutcomeRule, SchemeCharge
from billing.models.supplier import Settlement, StatementLine
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
    "AapApproval",
    "AapCell",
    "AapDecision",
    "AapTable",
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
    "OneOff",
    "Outcome",
    "OutcomeRule",
    "PassOn",
    "Period",
    "Plan",
    "PlanPrice",
    "PlanTier",
    "PlanVersion",
    "ProposedOneOff",
    "RequestOutcome",
    "RequestVoid",
    "SchemeCharge",
    "Series",
    "Settlement",
    "State",
    "StatementLine",
    "TierMode",
    "UsageClient",
    "UsageDay",
    "UsageEvent",
    "UsageHour",
    "UsagePending",
    "UsageRecount",
]
