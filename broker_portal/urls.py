"""Addresses of the portal's own host. Issuers' and boxes' have left the chain before these are asked (authflows.gate)."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path, re_path, register_converter

from authflows.oidc.trial import CALLBACK
from billing.exports.renderings import Format
from broker_portal import health, preferences, signin
from broker_portal.addresses import EnvironmentAddress, MonthAddress, NameAddress
from broker_portal.buyers import own as own_buyer
from broker_portal.buyers import views as buyers
from broker_portal.clients import trying
from broker_portal.clients import views as clients
from broker_portal.incidents import views as incidents
from broker_portal.invoices import statements
from broker_portal.invoices import views as invoices
from broker_portal.keys import views as keys
from broker_portal.months import crediting
from broker_portal.months import views as months
from broker_portal.overview import views as overview
from broker_portal.prices import entering, plan_entering
from broker_portal.prices import views as prices
from broker_portal.reconciliation import views as reconciliation
from broker_portal.supplier import views as supplier
from broker_portal.usage import views as usage

register_converter(EnvironmentAddress, "environment")
register_converter(MonthAddress, "month")
register_converter(NameAddress, "name")

ENVIRONMENT = "tenants/<slug:tenant>/<environment:environment>"
CLIENT = f"{ENVIRONMENT}/clients/<name:client_id>"
INVOICE = f"{ENVIRONMENT}/invoices/<name:number>"
OPERATOR = "operator/<uuid:operator>"
DOCUMENT = f"{OPERATOR}/documents/<name:number>"
ACCOUNT = f"{OPERATOR}/accounts/<slug:slug>"
MONTH = f"{OPERATOR}/months/<month:month>"

portal_patterns = [
    path("", overview.home, name="home"),
    path("preferences", preferences.preferences, name="preferences"),
    path(CALLBACK.removeprefix("/"), trying.callback, name="try_callback"),
    path(ENVIRONMENT, overview.dashboard, name="dashboard"),
    path(f"{ENVIRONMENT}/clients", clients.index, name="clients"),
    path(f"{ENVIRONMENT}/clients/new", clients.new, name="client_new"),
    path(CLIENT, clients.detail, name="client"),
    path(f"{CLIENT}/redirect-uris", clients.redirect_uris, name="client_redirect_uris"),
    path(f"{CLIENT}/settings", clients.settings, name="client_settings"),
    path(f"{CLIENT}/close", clients.close, name="client_close"),
    path(f"{CLIENT}/secrets", clients.new_secret, name="client_secret_new"),
    path(f"{CLIENT}/secrets/<uuid:secret>/revoke", clients.revoke_secret, name="client_secret_revoke"),
    path(f"{CLIENT}/try", trying.start, name="try_login"),
    path(f"{ENVIRONMENT}/keys", keys.index, name="keys"),
    path(f"{ENVIRONMENT}/keys/rotate", keys.rotate, name="keys_rotate"),
    path(f"{ENVIRONMENT}/usage", usage.month, name="usage"),
    path(f"{ENVIRONMENT}/usage.csv", usage.csv, name="usage_csv"),
    path(f"{ENVIRONMENT}/invoices", invoices.index, name="invoices"),
    path(f"{ENVIRONMENT}/invoice-details", own_buyer.details, name="invoice_details"),
    path(INVOICE, invoices.detail, name="invoice"),
    path(f"{INVOICE}.pdf", invoices.pdf, name="invoice_pdf"),
    path(f"{INVOICE}.csv", invoices.csv, name="invoice_csv"),
    path(f"{ENVIRONMENT}/statements/<int:year>", statements.page, name="statement"),
    path(f"{ENVIRONMENT}/statements/<int:year>.pdf", statements.pdf, name="statement_pdf"),
    path(f"{ENVIRONMENT}/statements/<int:year>.csv", statements.csv, name="statement_csv"),
]
operator_patterns = [
    path("operator", months.current, name="month"),
    path(MONTH, months.month, name="month"),
    path(f"{MONTH}/close", months.close, name="month_close"),
    path(f"{DOCUMENT}.pdf", months.document, {"form": Format.PDF}, name="document_pdf"),
    path(f"{DOCUMENT}.csv", months.document, {"form": Format.CSV}, name="document_csv"),
    path(f"{DOCUMENT}/credit", crediting.credit, name="credit"),
    path(f"{MONTH}/progress", months.follow, name="progress"),
    path("operator/prices", prices.current, {"section": "prices"}, name="prices"),
    path("operator/incidents", prices.current, {"section": "incidents"}, name="incidents"),
    path("operator/reconciliation", reconciliation.current, {"section": "reconciliation"}, name="reconciliation"),
    path("operator/margin", reconciliation.current, {"section": "margin"}, name="margin"),
    path(f"{OPERATOR}/prices", prices.index, name="prices"),
    path(f"{OPERATOR}/aap/<int:year>", prices.aap, name="aap"),
    path(f"{OPERATOR}/aap/<int:year>/decide", entering.decision, name="aap_decide"),
    path(f"{OPERATOR}/aap/<int:year>/table", entering.table, name="aap_table"),
    path(f"{OPERATOR}/years/new", entering.year, name="year_new"),
    path(f"{OPERATOR}/charges/new", entering.charge, name="charge_new"),
    path(f"{OPERATOR}/plans/new", plan_entering.plan, name="plan_new"),
    path(f"{OPERATOR}/aap/<int:year>/approve", prices.approve, name="aap_approve"),
    path(f"{OPERATOR}/reconciliation/<int:year>", reconciliation.preview, name="reconciliation"),
    path(f"{OPERATOR}/reconciliation/<int:year>/commit", reconciliation.commit, name="reconciliation_commit"),
    path(f"{OPERATOR}/margin/<int:year>", reconciliation.left, name="margin"),
    path("operator/supplier", reconciliation.current, {"section": "supplier"}, name="supplier"),
    path(f"{OPERATOR}/supplier/<int:year>", supplier.page, name="supplier"),
    path("operator/accounts", prices.current, {"section": "accounts"}, name="accounts"),
    path(f"{OPERATOR}/accounts", buyers.index, name="accounts"),
    path(ACCOUNT, buyers.detail, name="account"),
    path(f"{ACCOUNT}/buyer", buyers.buyer, name="account_buyer"),
    path(f"{ACCOUNT}/plan", buyers.plan, name="account_plan"),
    path(f"{ACCOUNT}/one-off", buyers.one_off, name="account_one_off"),
    path(f"{ACCOUNT}/one-off/decide", buyers.decide_one_off, name="account_one_off_decide"),
    path(f"{OPERATOR}/incidents", incidents.index, name="incidents"),
]
# Of allauth's own addresses those that have a page here; `account_signup` says that accounts are by invitation.
account_patterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/<str:secret>", signin.sign_in, name="sign_in_link"),
    path("accounts/", include(account_patterns)),
    path("", include((portal_patterns, "portal"))),
    path("", include((operator_patterns, "operator"))),
]

handler400 = "broker_portal.errors.bad_request"
handler403 = "broker_portal.errors.permission_denied"
handler404 = "broker_portal.errors.page_not_found"
handler500 = "broker_portal.errors.server_error"
