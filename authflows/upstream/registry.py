"""Which kinds of upstream there are: a literal table, so that who is called can be searched for."""

from authflows.upstream.base import Upstream
from authflows.upstream.mitid.adapter import MitIDCore
from authflows.upstream.oidc.client import OpenIDClient
from authflows.upstream.simulator.core import handle as simulated_core
from authflows.upstream.transport import InProcess

UPSTREAMS: dict[str, Upstream] = {
    "simulator": MitIDCore(InProcess(simulated_core)),
    "oidc": OpenIDClient(),
}
