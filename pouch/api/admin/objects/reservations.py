"""Open reservations as the API shows them."""

from datetime import datetime

from pouch.api.admin.objects import Listing, Shape, TimeText, UsdText, time_text
from pouch.domain.reports import OpenReservation


class ReservationObject(Shape):
    """Money that is set aside now."""

    id: str
    request: str
    key: str
    pouch: str
    model: str
    provider: str
    amount_usd: UsdText
    started_at: TimeText
    age_s: float


class ReservationList(Listing[ReservationObject]):
    """Reservations that have not ended, oldest first."""


def reservation_object(reservation: OpenReservation, now: datetime) -> ReservationObject:
    """An open reservation as the API shows it."""
    age = now - reservation.started_at
    return ReservationObject(
        id=reservation.id,
        request=reservation.request_id,
        key=reservation.key_id,
        pouch=reservation.pouch_id,
        model=reservation.model,
        provider=reservation.provider,
        amount_usd=str(reservation.amount),
        started_at=time_text(reservation.started_at),
        age_s=max(round(age.total_seconds(), 3), 0.0),
    )
