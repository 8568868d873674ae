"""Values that a request makes many of."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A dataclass whose fields nobody sets again: the type checker refuses it.

    At run time it is not frozen, for then every field is set by a call; a request makes some
    twenty of these, which took twice as long to fill.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True, order_default=True)
def ordered_value(cls: type[T]) -> type[T]:
    """A ``value`` that is compared by its fields, in their order."""
    return dataclass(slots=True, unsafe_hash=True, order=True)(cls)
