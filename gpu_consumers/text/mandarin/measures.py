"""Measure words: what may be counted, and whether 2 is 两 before it.

A word here decides two things: digits before it are a count and no code, and 2 is 两 or 二.
Behind a "!" stands what must not follow: 分 counts, but 分行 is a branch. These are characters, or
patterns with bars between.
"""

import re

from seedcast.gpu_consumers.text.units import UNITS

_LIANG = (  # 2 is 两 before these
    "个!性体税 位!于置 条!码款件形 件!号 份 笔 次!日月年序列数 天!津|猫|气(?!温) 年!级 "
    "周!一二三四五六日末年边 秒 分钟 小时 人!民工员事寿 名!为称义单 张 只 台!湾北风州 部!分门 "
    "本!人行次店期月周日公校站地院科金息 盒 箱 包!括含裹邮 瓶 袋 杯 间!隔接 套!餐 辆 岁 页!面 "
    "场!所馆 倍 晚!上间点 元!旦 块 角!色 项!目 种 组!织 批!准 封!闭 通!知过道话常行往 股!东票份 "
    "顿 盘 双!方十 对!应于方账比 把 颗 棵 头 匹 座!位机 家!庭人长电 门!店诊口禁牌 首!页次先付期 "
    "支!付行持取出 片!区 趟 段 遍 分!行别支公期享机配之店 万!达 亿 千 百 斤 吨 公里 公斤 米!兰 "
    "厘米 毫米 克!服 千克 毫克 升!级 毫升 平方米 平米 立方米 平方公里 英里 英寸 英尺 海里 粒 滴 "
    "株 艘 架 列!车 班车 户!名主口型 票 餐 篇 句 字 幅 节 堂 副 根 束 朵 枚 款!项 单!号位元据笔 "
    "轮 局 针 剂 例 度!假|过 桶 碗 勺 串 排 行 千瓦时 千瓦 亩 公顷 港元 美元 欧元 日元 英镑 澳元 "
    "加元 韩元 泰铢 人民币 新台币 卢布 卢比 瑞郎 港币 台币 美金 块钱 档 道!路 厅 卫!生 "
    "夜 层楼 层小楼 班倒 步 日内 日游 坪 尺!寸码度 梯次 大优惠 大福利 大好礼 大权益"
)
_ER = (  # 2 is 二 before these
    "班!车次 手!机 世 月 日!本常 号!码 楼 层 级 期!间望 等!待于 线 路 室 栋 幢 单元 年级 环 版 "
    "届 师 点!击|此|我|选|开(?!始|门|市|放|车|会|课|播|奖|考|工|盘) 时!间候段 刻 折!扣 码头 "
    "胎 区 段位 批次 两 里!面 维 次方 班级 成 股东 摄氏度 华氏度 像素 赫兹 瓦 伏 安 分贝 毫安 "
    "千伏"
)
# 5点 is 五点, and 2点 两点: a clock.
_LIANG_CLOCK = ("点", "点钟")


def _pattern(table: str) -> str:
    words = sorted((word.partition("!") for word in table.split()), key=_length, reverse=True)
    return "|".join(word + _not_before(others) for word, _, others in words)


def _length(word: tuple[str, str, str]) -> int:
    return len(word[0])


def _not_before(others: str) -> str:
    if not others:
        return ""
    return f"(?!{others})" if "|" in others else f"(?![{others}])"


MEASURE_WORD = f"(?:{_pattern(_LIANG + ' ' + _ER)})"
_IS_LIANG = re.compile(f"(?:{_pattern(_LIANG)})")
_IS_ER = re.compile(f"(?:{_pattern(_ER)})")


def takes_liang(words: str) -> bool:
    """Return True if 2 is 两 before these words, and not 二 as in a rank or a date."""
    if words.startswith(_LIANG_CLOCK):
        return True
    er, liang = _IS_ER.match(words), _IS_LIANG.match(words)
    return bool(liang and (not er or liang.end() >= er.end()))


def unit_words(unit: str) -> tuple[str, str]:
    """Return what is said before and after the number; `unit` is a key of `units`, or words."""
    first, _, per = unit.partition("/")
    if unit in UNITS or not per:
        template = UNITS[unit].mandarin if unit in UNITS else unit
        before, braces, after = template.partition("{}")
        return (before, after) if braces else ("", template)
    before, after = unit_words(first)
    return before, f"{after}每{unit_words(per)[1]}"
