"""Reads the district and the development (楼盘) out of an address as written on Chinese title certificates.

One reader for all who ask: a visit to a development finds its homes by it, the desk tells by it which homes are visited
on one way, the day's plan what is next door.
"""

import re
from dataclasses import dataclass

# Province and city end in 省 or 市; the district is what follows them up to the first 区, 县, 旗 or 市.
_DISTRICT = re.compile(r"(?:.{1,12}?省|.{1,12}?自治区)?[^市]{1,12}市(?P<district>[^市区县旗]{1,11}[区县旗市])")
# A district without its city; 小区, 社区 and 园区 belong to a name.
_DISTRICT_ALONE = re.compile(r"[^市区县旗\d]{1,8}(?<![小社园])[区县旗](?=.{2})")
# The building: a number or letter before 栋, 幢, 座, 号楼 or 单元, a number before #, or numbers as in 6-2-1803.
_BUILDING = re.compile(
    r"第?[0-9A-Za-z甲乙丙丁一二三四五六七八九十]{1,4}\s*(?:栋|幢|座|号楼|单元)"
    r"|\d{1,4}#|(?P<dash>\d{1,4}-\d{1,4}(?:-\d{1,5})?(?!\d|-|号(?!楼)))"
)
# A lane (弄) of Shanghai is a development by its number; a house of a street (号) alone names none.
_LANE = re.compile(r"\D{2,}?\d{1,5}弄")
_HOUSE = re.compile(r"\D+?\d+(?:-\d+)?号|\D*[路街道巷]\d+")
_STREET = ("路", "街", "道", "巷")
_NAME_LEAST = 2


@dataclass(frozen=True, slots=True)
class Estate:
    """Where a home stands: `town` (province, city, district) and what follows as its name, as the address begins.

    `is_development` where a building shows that homes stand there together; a house of a street is none.
    """

    town: str
    name: str
    is_development: bool

    @property
    def whole(self) -> str:
        """A development's name with its city, unique in the book; empty for what is none."""
        return self.town + self.name if self.is_development else ""


def district_of(address: str) -> str:
    """District, county or county-level city of "武汉市武昌区…" (武昌区); empty when the address names none."""
    match = _DISTRICT.match(address)
    return match["district"] if match else ""


def estate_of(address: str, district: str = "") -> Estate:
    """江城市滨江区江岸新城14栋2单元2802 → 江城市滨江区, 江岸新城; `district` where the address has no city."""
    town, rest = _town(address.strip(), district)
    if lane := _LANE.match(rest):
        return Estate(town, lane.group(), True)
    building = _BUILDING.search(rest)
    name = rest[: building.start()].strip() if building else ""
    if building and not (building["dash"] and name.endswith(_STREET)):
        return Estate(town, name, len(name) >= _NAME_LEAST)
    house = _HOUSE.match(rest)
    return Estate(town, house.group() if house else re.split(r"\d", rest, maxsplit=1)[0].strip(), False)


def _town(address: str, district: str) -> tuple[str, str]:
    """The address in two: up to its district, and the rest."""
    found = _DISTRICT.match(address)
    at = address.find(district) if district and not found else -1
    if at >= 0 and len(address) > at + len(district):
        end = at + len(district)
    else:
        found = found or _DISTRICT_ALONE.match(address)
        end = found.end() if found else 0
    return address[:end], address[end:]
