"""Reads the district and the development out of an address as written on Chinese title certificates."""

import re

# Province and city end in 省 or 市; the district is what follows them up to the first 区, 县, 旗 or 市.
_DISTRICT = re.compile(r"(?:.{1,12}?省|.{1,12}?自治区)?[^市]{1,12}市(?P<district>[^市区县旗]{1,11}[区县旗市])")


def district_of(address: str) -> str:
    """District, county or county-level city of "武汉市武昌区…" (武昌区); empty when the address names none."""
    match = _DISTRICT.match(address)
    return match["district"] if match else ""


# The building: a number or letter before 栋, 幢, 座, 号楼 or 单元. A street number (号) alone names no development.
_BUILDING = re.compile(r"第?[0-9A-Za-z甲乙丙丁一二三四五六七八九十]{1,4}(?:栋|幢|座|号楼|单元)")
_NAME_LEAST = 2


def estate_of(address: str) -> str:
    """Development (楼盘) of "江城市滨江区江岸新城14栋2单元2802", with its city; empty when the address names none."""
    match = _BUILDING.search(address)
    if match is None:
        return ""
    estate = address[: match.start()].strip()
    within = _DISTRICT.match(estate)
    name = estate[within.end() :] if within else estate
    return estate if len(name) >= _NAME_LEAST else ""
