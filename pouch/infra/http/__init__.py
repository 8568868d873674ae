"""How providers are reached: one transport for all of them, and what carries its requests."""

from pouch.infra.http.transport import HttpTransport, Timeouts, make_transport

__all__ = ["HttpTransport", "Timeouts", "make_transport"]
