"""Reads the district out of an address as written on Chinese title certificates."""

import re

# Province and city end in 省 or 市; the district is what follows them up to the first 区, 县, 旗 or 市.
_DISTRICT = re.compile(r"(?:.{1,12}?省|.{1,12}?自治区)?[^市]{1,12}市(?P<district>[^市区县旗]{1,11}[区县旗市])")


def district_of(address: str) -> str:
    """District, county or county-level city of "武汉市武昌区…" (武昌区); empty when the address names none."""
    match = _DISTRICT.match(address)
    return match["district"] if match else ""
