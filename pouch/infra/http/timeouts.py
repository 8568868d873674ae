"""How long each part of an exchange with a provider may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one exchange, in seconds.

    ``write_s`` is the longest time in which the provider takes no byte of the request,
    ``first_byte_s`` the time from the last byte of the request to the end of the answer's head,
    ``read_s`` the longest silence inside the answer's body, ``pool_s`` the longest wait for a
    connection where all are in use. ``total_s`` bounds the exchange from beginning to end.
    """

    connect_s: float = 10
    write_s: float = 30
    first_byte_s: float = 600
    read_s: float = 120
    pool_s: float = 10
    total_s: float = 3600
