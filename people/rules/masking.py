"""How personal data look to those who have not asked with a reason (domain 2.7)."""


def mask_name(name: str) -> str:
    """Surname kept: 张三丰 → 张**."""
    return name[:1] + "**" if name else ""


def mask_id(id_no: str) -> str:
    """First three and last four kept."""
    return f"{id_no[:3]}***********{id_no[-4:]}" if len(id_no) >= 8 else "*" * len(id_no)


def mask_phone(phone: str) -> str:
    """First three and last four kept: 19900002206 → 199****2206."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)


def mask_address(address: str) -> str:
    """Down to the district: 武汉市武昌区示例路1号 → 武汉市武昌区***."""
    for mark in ("区", "县", "旗"):
        at = address.find(mark, 2)
        if 0 < at < 16:
            return address[: at + 1] + "***"
    return address[:3] + "***" if address else ""
