"""Made-up people and places of the demo bank; no real person, bank or estate."""

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 "
    "桂英 秀兰 建国 志远 立新 海峰 晓舟 婷 文军 国强 玉兰 永康 雪梅 家乐 秀芳 丽华 建明 桂芝 少华 佳怡 "
    "振东 玉梅 国庆 丽娟 志强 媛 小川 思远 子涵 雨欣 浩然 梓萱 俊杰 欣怡 博文 若曦 天宇 诗涵 嘉豪 雅婷 "
    "宇航 梦琪 一凡 晨曦"
)
GIVEN = tuple(_GIVEN.split(" "))
# (district, branch code, branch name)
BRANCHES = (
    ("滨江区", "0101", "滨江支行"),
    ("高新区", "0102", "高新支行"),
    ("老城区", "0103", "老城支行"),
    ("湖畔区", "0104", "湖畔支行"),
    ("开发区", "0105", "开发区支行"),
)
ESTATES = {
    "滨江区": ("滨江悦府", "江岸新城", "望江台"),
    "高新区": ("科创雅苑", "锦程花园", "学府里"),
    "老城区": ("文昌里", "柳林小区", "建设路12号院"),
    "湖畔区": ("云水湾", "听澜苑", "湖光名邸"),
    "开发区": ("星河里", "云栖花园", "港湾国际"),
}
EMPLOYERS = (
    "江城恒信机电有限公司",
    "江城市第三中学",
    "江城市人民医院",
    "江城安达物流有限公司",
    "江城云图软件有限公司",
    "江城第二建筑工程公司",
    "个体经营",
    "江城公交集团",
    "江城百货股份有限公司",
    "江城市水务局",
)
# (staff number, name, role codes, branch code or "" for the city branch)
PEOPLE = (
    ("A0101", "林晓舟", ("LOAN_OFFICER",), "0101"),
    ("A0102", "周楠", ("LOAN_OFFICER",), "0101"),
    ("A0103", "唐雪", ("LOAN_OFFICER",), "0101"),
    ("A0104", "于涛", ("LOAN_OFFICER",), "0101"),
    ("A0201", "李想", ("LOAN_OFFICER",), "0102"),
    ("A0202", "徐明", ("LOAN_OFFICER",), "0102"),
    ("A0203", "萧然", ("LOAN_OFFICER",), "0102"),
    ("A0204", "程瑶", ("LOAN_OFFICER",), "0102"),
    ("A0301", "韩磊", ("LOAN_OFFICER",), "0103"),
    ("A0302", "方婷", ("LOAN_OFFICER",), "0103"),
    ("A0303", "曹越", ("LOAN_OFFICER",), "0103"),
    ("A0304", "袁梅", ("LOAN_OFFICER",), "0103"),
    ("A0401", "顾清", ("LOAN_OFFICER",), "0104"),
    ("A0402", "邵阳", ("LOAN_OFFICER",), "0104"),
    ("A0403", "许诺", ("LOAN_OFFICER",), "0104"),
    ("A0404", "沈佳", ("LOAN_OFFICER",), "0104"),
    ("A0501", "邱岚", ("LOAN_OFFICER",), "0105"),
    ("A0502", "贺川", ("LOAN_OFFICER",), "0105"),
    ("A0503", "卢凯", ("LOAN_OFFICER",), "0105"),
    ("A0504", "蒋悦", ("LOAN_OFFICER",), "0105"),
    ("M0101", "何建平", ("BRANCH_MANAGER",), "0101"),
    ("M0201", "段丽", ("BRANCH_MANAGER",), "0102"),
    ("M0301", "龚文", ("BRANCH_MANAGER",), "0103"),
    ("M0401", "尹航", ("BRANCH_MANAGER",), "0104"),
    ("M0501", "黎明", ("BRANCH_MANAGER",), "0105"),
    ("M0001", "江正", ("BRANCH_MANAGER",), ""),
    ("R0001", "秦岚", ("RISK_MANAGER",), ""),
    # What one risk manager drafts the other decides.
    ("R0002", "沈毅", ("RISK_MANAGER",), ""),
    ("O0001", "罗静", ("OPERATIONS",), ""),
    ("O0002", "田野", ("OPERATIONS",), ""),
    ("U0001", "史鉴", ("AUDITOR",), ""),
    ("S0001", "管理员", ("ADMINISTRATOR",), ""),
)
# Shown as cards on the demo's sign-in page: (staff number, what this person does)
CARDS = ("A0101", "M0101", "R0001", "R0002", "O0001", "O0002", "U0001", "S0001")
# Two more of each rank may sign in, for work that takes a colleague.
SIGN_IN_TOO = ("A0102", "A0201", "M0201", "M0001")


def officers_of(branch_code: str) -> list[str]:
    """Staff numbers of a branch's account officers."""
    return [number for number, _name, roles, code in PEOPLE if code == branch_code and "LOAN_OFFICER" in roles]


def manager_of(branch_code: str) -> str:
    """Staff number of a branch's manager."""
    return next(number for number, _name, roles, code in PEOPLE if code == branch_code and "BRANCH_MANAGER" in roles)
