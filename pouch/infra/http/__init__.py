"""How providers are reached: one transport for all of them, and what carries its requests."""

from pouch.infra.http.lean import LeanTransport
from pouch.infra.http.timeouts import Timeouts
from pouch.infra.http.transport import HttpTransport, make_transport

__all__ = ["HttpTransport", "LeanTransport", "Timeouts", "make_transport"]
