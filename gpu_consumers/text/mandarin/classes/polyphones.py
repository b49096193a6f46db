"""Ideographs of several sounds, where espeak-ng's Mandarin takes the wrong one.

It reads most by phrase itself, better than pypinyin 0.55 does: of the 4,700 frequent words of which
the two differ, pypinyin has 全长 as quán zhǎng and 还款 as hái kuǎn. So these are words of
notifications that espeak-ng 1.52 gets wrong.
"""

import re

from seedcast.gpu_consumers.text.classify import PLAIN, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import any_of
from seedcast.gpu_consumers.text.values import Value, Words
from seedcast.schemas.locales import Locale

_TABLE = """
便宜:pian2,yi5 角色:jue2,se4 供应商:gong1,ying4,shang1 倒计时:dao4,ji4,shi2 稽查:ji1,cha2
稽核:ji1,he2 下调:xia4,tiao2 调高:tiao2,gao1 调休:tiao2,xiu1 调至:tiao2,zhi4 调班:tiao2,ban1
调课:tiao2,ke4 处以:chu3,yi3 惩处:cheng2,chu3 论处:lun4,chu3 给付:ji3,fu4 给水:ji3,shui3
占地:zhan4,di4 两地:liang3,di4 地价:di4,jia4 地库:di4,ku4 地暖:di4,nuan3 地锁:di4,suo3
地铺:di4,pu4 户籍地:hu4,ji2,di4 扫地:sao3,di4 发型:fa4,xing2 护发:hu4,fa4 差旅:chai1,lv3
补差:bu3,cha1 典当:dian3,dang4 丈量:zhang4,liang2 销假:xiao1,jia4 累加:lei3,jia1 几点:ji3,dian3
反弹:fan3,tan2 弹窗:tan2,chuang1 新冠:xin1,guan1 冠状:guan1,zhuang4 尽早:jin3,zao3
咽拭子:yan1,shi4,zi5 抽血:chou1,xue4 看护:kan1,hu4 相册:xiang4,ce4 曝光:bao4,guang1
曲目:qu3,mu4 倒车:dao4,che1 应试:ying4,shi4 朝九晚五:zhao1,jiu3,wan3,wu3
检察长:jian3,cha2,zhang3 护士长:hu4,shi5,zhang3 网格长:wang3,ge2,zhang3
东莞:dong1,guan3 六安:lu4,an1 蚌埠:beng4,bu4 盱眙:xu1,yi2 济宁:ji3,ning2 曲阜:qu1,fu4
常熟:chang2,shu2 兴业:xing1,ye4 兴庆:xing1,qing4 浚县:xun4,xian4 乐亭:lao4,ting2
莘庄:xin1,zhuang1 闵行:min3,hang2 铅山:yan2,shan1 涡阳:guo1,yang2 儋州:dan1,zhou1
"""
WORDS = {
    word: sounds.replace(",", " ")
    for word, _, sounds in (entry.partition(":") for entry in _TABLE.split())
}
_FIRST = "".join(sorted({word[0] for word in WORDS}))
_SURNAMES = {
    "单": "shan4", "解": "xie4", "任": "ren2", "仇": "qiu2", "区": "ou1", "朴": "piao2",
    "查": "zha1", "盖": "ge3", "华": "hua4", "翟": "zhai2", "曾": "zeng1", "宁": "ning4",
    "纪": "ji3", "燕": "yan1", "覃": "qin2", "乐": "yue4", "卜": "bu3",
    "薄": "bo2", "哈": "ha3", "那": "na1", "牟": "mou4", "种": "chong2", "隗": "wei3",
    "员": "yun4", "乜": "nie4", "訾": "zi1", "召": "shao4",
}  # fmt: skip
_TITLE = any_of("先生 女士 小姐 师傅 老师 经理 医生 大夫 同学 律师 教练 顾问 主任 总")
_BANK_AFTER = "(?![业为政动程驶走人李使列情车道星贿销])"
_BECOMES = any_of(
    "更改 调整 设 升级 修改 更新 更换 降 升 变更 改 转 均 较 金额 余额 时间 号码 码 地点 单号 编号"
    " 日期 结果 电话 有效期 总额 费用 价格 名称 地址 原因 状态 等级 积分 比例"
)
_SUBJECT_BEFORE = "[\u4e00-\u9fff](?<![已将可在能会请想愿专特仅只并])"


def _word(match: re.Match[str], _: Locale) -> Value:
    return Words(match.group(), WORDS[match.group()])


def _surname(match: re.Match[str], _: Locale) -> Value:
    return Words(match.group(), _SURNAMES[match.group()])


def _sounds(
    written: str, pinyin: str, before: str = "", after: str = "", weight: int = PLAIN
) -> Row:
    """Return the row of one ideograph that sounds so between others."""
    return Row(
        "polyphone",
        written,
        lambda match, locale: Words(written, pinyin),
        weight,
        before,
        after,
        written,
    )


ROWS = (
    Row("polyphone", any_of(" ".join(WORDS)), _word, starts=_FIRST),
    Row("polyphone", any_of(" ".join(_SURNAMES)), _surname, PLAIN, r"(?:^|[\s，。,.:、的好])",
        _TITLE, "".join(_SURNAMES)),
    _sounds("还", "huan2", after="[钱款贷息至]|车(?![辆位票主])|回(?![复答])"),
    _sounds("还", "huan2", before="[返应待需未已借发送]", after="(?![有没在是会能可要需将未不])"),
    _sounds("行", "hang2", before="[农建交招支我他跨总商车](?<!外交)", after=_BANK_AFTER),
    _sounds("行", "hang2", after="[内际](?![容外])"),
    _sounds("重", "chong2", before="(?:^|[^严体超载比尊沉慎侧双多厚负荷病净毛轻加贵看着])",
            after="[启播置发试签装办填传登拍投做测设绑合]"),
    _sounds("空", "kong4", before="没", after="(?![调间气位])"),
    _sounds("发", "fa4", before="短", after="(?![布送生])"),
    _sounds("长", "zhang3", before="[区处馆学店楼园室署台]",
            after="(?![期久度途时达年宽远城江沙春安])"),
    _sounds("只", "zhi1", before="[两三四五六七八九十几]", after="(?![有是能要需为可限剩])"),
    _sounds("系", "ji4", after="[好紧上牢]?(?:安全带|鞋带)"),
    _sounds("的", "di4", before="(?<![目指商达])标", after="物|额|证券|资产|公司|股票"),
    _sounds("为", "wei2", before=_BECOMES, after="(?![您你我他她了])"),
    _sounds("为", "wei2", before=_SUBJECT_BEFORE, after=r"[:\s]?[0-9¥$€£A-Z-]"),
    # Words in 儿 it says in English letters.
    _sounds("儿", "er2", before="[这那哪会点事头今明活个花玩份片孩块伙伴样味劲]",
            after="(?![童子科媳孙女])"),
)  # fmt: skip
