"""What a bank begins its register of regulations with; each names the parameters that follow from it (domain 2).

Summaries are the bank's own words. The texts of 2026 were known from reports only: compliance reads the originals
before the bank relies on them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Known:
    """An item of the register; `codes` are parameters whose value from the effective day follows from it."""

    number: str
    title: str
    issuer: str
    issued_on: date
    effective_on: date
    summary: str
    codes: tuple[str, ...] = ()


def content_sha256(values: Mapping[str, Any], parameters: Sequence[tuple[str, Any, date]]) -> str:
    """The hash of what somebody else approves."""
    rows = [[code, value, from_on.isoformat()] for code, value, from_on in parameters]
    text = json.dumps([dict(values), rows], ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


REGISTER: Final[tuple[Known, ...]] = (
    Known("银监发〔2017〕16号", "商业银行押品管理指引", "原银监会", date(2017, 4, 26), date(2017, 4, 26),
          "押品至少每年重估一次，价值波动大的应提高频率；市场大幅波动、违约或转为不良时立即重估。",
          ("revaluation_max_months",)),
    Known("民法典第221条", "中华人民共和国民法典（预告登记）", "全国人民代表大会", date(2020, 5, 28), date(2021, 1, 1),
          "预告登记后，自能够进行不动产登记之日起90日内未申请登记的，预告登记失效。", ("advance_notice_days",)),
    Known("银保监会、人民银行令〔2023〕1号", "商业银行金融资产风险分类办法", "银保监会、人民银行", date(2023, 2, 11),
          date(2023, 7, 1), "零售资产可采取脱期法；重组资产观察期不少于两个还款期且不少于一年。",
          ("restructure_observation", "upgrade_observation", "class_thresholds")),
    Known("央行公告〔2024〕11号", "关于完善商业性个人住房贷款利率定价机制的公告", "人民银行", date(2024, 9, 29),
          date(2024, 11, 1), "重定价周期可协商为3、6、12个月；加点幅度偏离新发放贷款较多的可协商调整。",
          ("repricing_cycles", "spread_gap_bp")),
    Known("金规〔2026〕2号", "个人贷款业务明示综合融资成本规定", "金融监管总局", date(2026, 3, 1), date(2026, 8, 1),
          "签约前以综合融资成本明示表列明全部息费项目与年化成本，由借款人确认。", ("cost_disclosure_required",)),
    Known("银发〔2026〕171号", "关于改革完善房地产信贷管理推动加快构建房地产发展新模式的意见",
          "人民银行、金融监管总局", date(2026, 8, 28), date(2026, 8, 28),
          "个人住房贷款期限最长40年；预售项目竣工备案后放款；存量合同按原约定执行。", ("max_term_months",)),
    Known("个人住房贷款管理办法（试行）", "个人住房贷款管理办法（试行）", "金融监管总局", date(2026, 8, 28),
          date(2026, 8, 28), "月房产支出与收入比不高于50%，月所有债务支出与收入比不高于60%；押品每年重估。",
          ("pti_total_max",)),
)  # fmt: skip
