"""What an image costs in tokens: each family's rule, and the most that it can come to.

The rules are those of OpenAI's guide to images and vision, and of Anthropic's to vision. Where the
guide is silent the dearer reading is taken: a small image is enlarged, ``low`` costs what ``high``
does, a size without a published factor has the largest. A model that no rule names, or an image
whose size is not known, is taken for the largest.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pouch.domain.chat import Image
from pouch.infra.tokens.image_size import Size, size_of
from pouch.infra.tokens.models import openai_name

# 30,000 patches, beyond which an image is refused, at the factor of the dearest full-size model.
UNKNOWN_CEILING: Final = 48_600


class Rule(Protocol):
    """How a family of models counts an image."""

    def ceiling(self, detail: str) -> int:
        """The most tokens that an image of any size can come to."""
        ...

    def tokens(self, detail: str, size: Size) -> int:
        """The tokens of an image of ``size``; never more than the ceiling."""
        ...


def ceiling_of(images: Sequence[Image], model: str) -> int:
    """The most tokens that ``images`` can come to; their bytes are not looked at."""
    if not images:
        return 0
    rule = rule_of(model)
    details = Counter(image.detail for image in images)
    return sum(count * rule.ceiling(detail) for detail, count in details.items())


def tokens_of_images(images: Sequence[Image], model: str) -> int:
    """The tokens of ``images`` by their sizes; the ceiling of those that show none."""
    rule = rule_of(model)
    total = 0
    for image in images:
        size = size_of(image.data) if image.data else None
        total += rule.tokens(image.detail, size) if size else rule.ceiling(image.detail)
    return total


@dataclass(frozen=True, slots=True)
class Tiles:
    """A price for the image, and one for each square of 512 pixels once its short side is 768."""

    start: int
    each: int

    SIDE = 512
    SHORT_SIDE = 768
    COUNT_MAX = 8

    def ceiling(self, detail: str) -> int:
        return self.start if detail == "low" else self.start + self.each * self.COUNT_MAX

    def tokens(self, detail: str, size: Size) -> int:
        if detail == "low":
            return self.start
        scale = self.SHORT_SIDE / min(size.width, size.height)
        count = _cells(size.width * scale, self.SIDE) * _cells(size.height * scale, self.SIDE)
        return self.start + self.each * min(count, self.COUNT_MAX)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The most patches of 32 pixels, and the longest side, that an image is shrunk to."""

    patches: int
    side: int

    def patches_of(self, size: Size) -> int:
        """The patches of an image of ``size``, after it was shrunk to this canvas."""
        shrink = min(1.0, self.side / max(size.width, size.height))
        across, down = size.width * shrink / 32, size.height * shrink / 32
        count = _cells(across, 1) * _cells(down, 1)
        if count > self.patches:
            fit = math.sqrt(self.patches / (across * down))
            across, down = across * fit, down * fit
            whole = min(_whole(across) / across, _whole(down) / down)
            if whole > 0:
                count = _cells(across * whole, 1) * _cells(down * whole, 1)
        return min(count, self.patches)


@dataclass(frozen=True, slots=True)
class Patches:
    """A factor, in percent, on the patches of 32 pixels that cover the fitted image."""

    factor_percent: int
    high: Canvas
    original: Canvas

    def ceiling(self, detail: str) -> int:
        return self._billed(self._canvas(detail).patches)

    def tokens(self, detail: str, size: Size) -> int:
        return self._billed(self._canvas(detail).patches_of(size))

    def _canvas(self, detail: str) -> Canvas:
        return self.high if detail in {"low", "high"} else self.original

    def _billed(self, patches: int) -> int:
        return -(-patches * self.factor_percent // 100)


@dataclass(frozen=True, slots=True)
class Cells:
    """One token for each square of ``side`` pixels; images are shrunk to ``most`` tokens."""

    side: int
    most: int

    def ceiling(self, detail: str) -> int:
        return self.most

    def tokens(self, detail: str, size: Size) -> int:
        return min(_cells(size.width, self.side) * _cells(size.height, self.side), self.most)


@dataclass(frozen=True, slots=True)
class Unknown:
    """No rule is published, so that any image may be the largest."""

    most: int = UNKNOWN_CEILING

    def ceiling(self, detail: str) -> int:
        return self.most

    def tokens(self, detail: str, size: Size) -> int:
        return self.most


def _cells(length: float, side: int) -> int:
    """Squares needed to cover ``length``; the rounding forgives what floats add to a whole one."""
    return max(math.ceil(round(length / side, 6)), 1)


def _whole(length: float) -> int:
    return math.floor(round(length, 6))


_SMALL: Final = Canvas(patches=1_536, side=2_048)
_HIGH: Final = Canvas(patches=2_500, side=2_048)
_LARGE: Final = Canvas(patches=10_000, side=6_000)
_WHOLE: Final = Canvas(patches=30_000, side=65_535)
_DEAREST_FACTOR: Final = 246

_VERSION: Final = r"(-\d.*)?$"
# The first that matches decides; ``_VERSION`` keeps a rule to a model and its dated versions.
_RULES: Final[Sequence[tuple[re.Pattern[str], Rule]]] = [
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"gpt-4o-mini", Tiles(2_833, 5_667)),
        (r"gpt-4\.1-mini|gpt-5-mini", Patches(162, _SMALL, _SMALL)),
        (r"gpt-4\.1-nano|gpt-5-nano", Patches(246, _SMALL, _SMALL)),
        (r"o4-mini", Patches(172, _SMALL, _SMALL)),
        (r"(chatgpt-4o|gpt-4o)(?![0-9a-z])|gpt-4\.[15](?!\d)|gpt-4-(turbo|vision)", Tiles(85, 170)),
        (rf"gpt-5{_VERSION}|gpt-5-chat", Tiles(70, 140)),
        (r"o[13](?![0-9a-z])", Tiles(75, 150)),
        (r"computer-use-preview", Tiles(65, 129)),
        (r"gpt-5\.[23](?!\d)", Patches(_DEAREST_FACTOR, _SMALL, _SMALL)),
        (r"gpt-5\.[45](?!\d).*(mini|nano)", Patches(_DEAREST_FACTOR, _HIGH, _LARGE)),
        (r"gpt-5\.[45](?!\d)", Patches(120, _HIGH, _LARGE)),
        (r"gpt-(5\.([6-9]|\d\d)|6(?!\d)).*(mini|nano)", Patches(_DEAREST_FACTOR, _HIGH, _WHOLE)),
        (r"gpt-5\.([6-9]|\d\d)|gpt-6(?!\d)", Patches(120, _HIGH, _WHOLE)),
        (r"(anthropic/)?claude", Cells(side=28, most=4_784)),
    )
]


def rule_of(model: str) -> Rule:
    """The rule of the family that ``model`` is of."""
    name = openai_name(model)
    return next((rule for pattern, rule in _RULES if pattern.match(name)), Unknown())
