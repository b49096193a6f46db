"""Pinyin and IPA against what espeak itself makes of syllables and words."""

import re
import subprocess
import sys

import pytest

from seedcast.gpu_consumers.engines.espeak import speaker
from seedcast.gpu_consumers.engines.espeak.phonemes import of_ipa, of_pinyin
from seedcast.gpu_consumers.engines.espeak.ssml import Speech

TABLE = """
a ai an ang ao ba bai ban bang bao bei ben beng bi bian biao bie bin bing bo bu ca cai can cang
cao ce cen ceng cha chai chan chang chao che chen cheng chi chong chou chu chuai chuan chuang chui
chun chuo ci cong cou cu cuan cui cun cuo da dai dan dang dao de dei deng di dian diao die ding
diu dong dou du duan dui dun duo e ei en eng er fa fan fang fei fen feng fo fou fu ga gai gan gang
gao ge gei gen geng gong gou gu gua guai guang gui gun guo ha hai han hang hao he hei hen heng
hong hou hu hua huai huan huang hui huo ji jia jian jiang jiao jie jin jing jiu ju juan jue jun ka
kai kan kang kao ke ken keng kong kou ku kua kuai kuang kui kuo la lai lan lang lao le lei leng li
lia lian liang liao lie lin ling liu long lou lu luan lun luo lv lve ma mai man mang mao me mei
men meng mi mian miao mie min ming miu mo mou mu na nai nan nang nao ne nei nen neng ni nian niang
niao nie nin ning niu nong nu nuan nuo nv nve o ou pa pai pan pang pao pei pen peng pi pian piao
pie pin ping po pou pu qi qia qian qiang qiao qie qin qing qiu qu quan que ran rang rao re ren
reng ri rong rou ru rua ruan rui run ruo sa sai san sang sao se sen seng sha shai shan shang shao
she shei shen sheng shi shou shu shua shuai shuan shuang si song sou su suan sui sun suo ta tai
tan tang tao te teng ti tian tiao tie ting tong tou tu tuan tui tuo wa wai wan wang wei wen weng
wo wu xi xia xian xiang xiao xie xin xing xiu xu xuan xue xun ya yan yang yao ye yi yin ying yong
you yu yuan yue yun za zai zan zang zao ze zei zen zeng zha zhai zhan zhang zhao zhe zhen zheng
zhi zhong zhou zhu zhua zhuai zhuan zhuang zhui zhun zhuo zi zong zou zu zuan zui zun zuo
"""
SYLLABLES = TABLE.split()
# espeak writes the glide of these otherwise, and cannot say the last ones at all.
OTHERWISE = ["guan", "kuan", "kun", "hun", "tun", "qun", "shui", "shun", "shuo"]
MISSING = ["jiong", "qiong", "xiong"]


def said(language: str, text: str) -> list[str]:
    return list(filter(None, speaker.phonemes(Speech(language, text)).splitlines()))


@pytest.mark.parametrize("tone", "12345")
def test_syllables_are_those_of_espeaks_own_pinyin(tone: str) -> None:
    """Its voice of pinyin is none of ours: it knows no ideograph."""
    syllables = [syllable + tone for syllable in SYLLABLES]
    ours = [f"[[{of_pinyin(syllable)}]]" for syllable in syllables]
    expected = said("cmn-latn-pinyin", "。 ".join(syllables))
    got = said("cmn", "。 ".join(ours))
    assert dict(zip(syllables, got, strict=True)) == dict(zip(syllables, expected, strict=True))


@pytest.mark.parametrize("syllable", OTHERWISE + MISSING)
def test_the_others_are_spoken_too(syllable: str) -> None:
    (line,) = said("cmn", f"[[{of_pinyin(syllable + '1')}]]")
    assert re.search(r"55n?(ong)?_\|$|ong55_\|$", line)


@pytest.mark.parametrize(
    ("one", "other"),
    [("lü4 se4", "lv4se4"), ("nu:3", "nv3"), ("Xi1'an1", "xi1 an1"), ("er2 duo5", "er2duo5")],
)
def test_pinyin_is_written_in_more_than_one_way(one: str, other: str) -> None:
    assert of_pinyin(one) == of_pinyin(other) is not None


def test_a_last_r_is_said_after_its_syllable() -> None:
    assert of_pinyin("wanr2") == f"{of_pinyin('wan2')} @r11"


@pytest.mark.parametrize("text", ["", " ", "x1", "huan", "huan6", "huán", "还", "wˈɔːɾɚ", "1"])
def test_what_is_no_pinyin_is_none(text: str) -> None:
    assert of_pinyin(text) is None


@pytest.mark.parametrize(
    ("word", "ipa"),
    [
        ("water", "wˈɔːɾɚ"),
        ("judge", "dʒˈʌdʒ"),
        ("measure", "mˈɛʒɚ"),
        ("think", "θˈɪŋk"),
        ("this", "ðˈɪs"),
        ("near", "nˈɪɹ"),
        ("start", "stˈɑːɹt"),
        ("north", "nˈɔːɹθ"),
        ("square", "skwˈɛɹ"),
        ("nurse", "nˈɜːs"),
        ("tomorrow", "təmˈɑːɹoʊ"),
        ("choice", "tʃˈɔɪs"),
        ("mouth", "mˈaʊθ"),
        ("price", "pɹˈaɪs"),
        ("insurance", "ɪnʃˈʊɹɹəns"),
        ("delivered", "dᵻlˈɪvɚd"),
    ],
)
def test_words_in_ipa_sound_as_espeak_says_them(word: str, ipa: str) -> None:
    assert said("en-us", f"[[{of_ipa(ipa)}]]") == said("en-us", word)
    assert of_ipa(f"/{ipa.replace('ɹ', 'r')}/") == of_ipa(ipa)


@pytest.mark.parametrize("text", ["", "ɸ", "ŋ̊", "y", "hello!", "好", "[[", "huan2"])
def test_sounds_that_english_does_not_have_are_none(text: str) -> None:
    assert of_ipa(text) is None


def test_phonemes_are_told_where_no_file_can_be_written() -> None:
    program = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "from seedcast.gpu_consumers.engines.espeak import speaker\n"
        "from seedcast.gpu_consumers.engines.espeak.ssml import Speech\n"
        "assert speaker.phonemes(Speech('cmn', '还钱'))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
