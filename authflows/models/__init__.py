"""Rows of logging a person in."""

from authflows.models.api_token import ApiToken
from authflows.models.cpr import CprConsent, RememberedCpr
from authflows.models.grant import AccessToken, Grant, RefreshToken, Subject, SubjectAlias, SubjectKind, SubjectScheme
from authflows.models.key import Key, KeyState, Purpose, SubjectSecret
from authflows.models.login import CoreSession, CoreState, Login, LoginState
from authflows.models.once import PushedRequest, SpentJti
from authflows.models.refused_redirect import RefusedRedirect
from authflows.models.relying_party import AuthMethod, ClientExt, ClientSecret, RelyingParty
from authflows.models.service import Connection, ConnectionGrant, Level, Logo, Service, Theme
from authflows.models.session import BrokerSession
from authflows.models.simulator import SimulatedBlock, SimulatedChip, SimulatedPerson, SimulatedSession, SimulatorLedger

__all__ = [
    "AccessToken",
    "ApiToken",
    "AuthMethod",
    "BrokerSession",
    "ClientExt",
    "ClientSecret",
    "Connection",
    "ConnectionGrant",
    "CoreSession",
    "CoreState",
    "CprConsent",
    "Grant",
    "Key",
    "KeyState",
    "Level",
    "Login",
    "LoginState",
    "Logo",
    "Purpose",
    "PushedRequest",
    "RefreshToken",
    "RefusedRedirect",
    "RelyingParty",
    "RememberedCpr",
    "Service",
    "SimulatedBlock",
    "SimulatedChip",
    "SimulatedPerson",
    "SimulatedSession",
    "SimulatorLedger",
    "SpentJti",
    "Subject",
    "SubjectAlias",
    "SubjectKind",
    "SubjectScheme",
    "SubjectSecret",
    "Theme",
]
