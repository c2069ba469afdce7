"""Rows of logging a person in."""

from authflows.models.grant import AccessToken, Grant, Subject, SubjectKind
from authflows.models.key import Key, KeyState, Purpose, SubjectSecret
from authflows.models.login import CoreSession, CoreState, Login, LoginState
from authflows.models.relying_party import AuthMethod, ClientExt, ClientSecret, RelyingParty
from authflows.models.service import Connection, ConnectionGrant, Level, Service, Theme
from authflows.models.simulator import SimulatedBlock, SimulatedSession, SimulatorLedger

__all__ = [
    "AccessToken",
    "AuthMethod",
    "ClientExt",
    "ClientSecret",
    "Connection",
    "ConnectionGrant",
    "CoreSession",
    "CoreState",
    "Grant",
    "Key",
    "KeyState",
    "Level",
    "Login",
    "LoginState",
    "Purpose",
    "RelyingParty",
    "Service",
    "SimulatedBlock",
    "SimulatedSession",
    "SimulatorLedger",
    "Subject",
    "SubjectKind",
    "SubjectSecret",
    "Theme",
]
