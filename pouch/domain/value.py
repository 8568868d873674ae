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
