"""Words in which two characters of a name are no name (`rules.report_masking`), each weighed for what it could hide.

No word stands here that a sentence about a person could hold by chance: 安居房 is missing, for 安居房产 may be a
home of somebody's.
"""

import re
from typing import Final

# Everyday words and real places that hold what may be somebody's name of two characters; none is said of a person.
EVERYDAY: Final = (
    "安居工程", "安居乐业", "高明区", "高要区", "高淳区", "高新区", "江宁区", "江夏区", "江岸区", "江汉区",
    "江津区", "江北区", "武昌区", "武进区", "武侯区", "黄埔区", "黄浦区", "黄岩区", "黄山市", "徐汇区",
    "金山区", "金水区", "金华市", "朝阳区", "安居区", "永安市", "永康市", "安康市", "康定市", "明光市",
    "洪江市", "马尾区", "石景山区",
)  # fmt: skip
# A word followed by one of these may be the name and another word: 高明区分, 金华市场, 安居工程师, 高明支行长.
GOES_ON: Final = "别分间隔块域区场民价值政内里城师款队量长员卡"
# 高明区 of 佛山市高明区: two characters and what makes a place of them. 高明家小区 is none.
PLACE: Final = re.compile(r"(?<![^省市区县旗盟州])[^省市区县旗盟州]{2}[省市区县旗盟州]")
