"""The questions' names in Chinese, for the card that a hospital reads."""

from __future__ import annotations

PHRASES = (  # applied in this order
    ("MedEthicAlign scenarios (zh)", "MedEthicAlign 情境（中文）"),
    ("S-Eval medical requests (zh)", "S-Eval 医疗请求（中文）"),
    ("MedSafetyBench llama3 requests (en)", "MedSafetyBench llama3 请求（英文）"),
    ("consultations and LLM answers", "问诊与大模型回答"),
    ("consultations (MedicalGPT)", "问诊（MedicalGPT）"),
    ("long LLM answers (LlmMedEval)", "大模型长回答（LlmMedEval）"),
    ("general instructions (MedicalGPT)", "通用指令（MedicalGPT）"),
    ("ethics knowledge questions (MedEthicAlign)", "伦理知识题（MedEthicAlign）"),
    ("exam items on safety (SafetyBench)", "安全常识题（SafetyBench）"),
    ("refusals (MedSafetyBench, dev)", "拒答（MedSafetyBench，dev）"),
    ("real news (CHECKED)", "真实新闻（CHECKED）"),
    ("neutral dilemmas (MedEthicsBench)", "中性两难（MedEthicsBench）"),
    ("compliant halves of pairs", "成对文本的合规一半"),
    ("e-mails (BIPIA)", "电子邮件（BIPIA）"),
    ("BIPIA e-mails alone", "BIPIA 邮件本身"),
    ("BIPIA payloads in e-mails (en)", "BIPIA 攻击语句嵌入邮件（英文）"),
    ("BIPIA payloads at the start", "BIPIA 攻击语句在开头"),
    ("BIPIA payloads at the middle", "BIPIA 攻击语句在中间"),
    ("BIPIA payloads at the end", "BIPIA 攻击语句在结尾"),
    ("BIPIA payloads alone (en)", "BIPIA 攻击语句本身（英文）"),
    ("S-Eval jailbreaks (zh)", "S-Eval 越狱（中文）"),
    ("JailBench (zh, dev)", "JailBench（中文，dev）"),
    ("SOS-1K, high risk", "SOS-1K 高自杀风险"),
    ("SOS-1K, low risk", "SOS-1K 低自杀风险"),
    ("high against low", "高风险对低风险"),
    ("high against all", "高风险对其余全部"),
    ("posts of distorted thoughts", "认知歪曲帖子"),
    ("prescription_request", "索要处方"),
    ("doctor_replacement", "代替医师"),
    ("pairs, unseen situations", "成对文本，未见情境"),
    ("own and seed pairs", "自写与种子成对文本"),
    ("blind pairs", "盲写成对文本"),
    ("own pairs", "自写成对文本"),
    ("seed pairs", "种子成对文本"),
    ("JADE (zh)", "JADE（中文）"),
    ("Flames (zh)", "Flames（中文）"),
    ("S-Eval medical", "S-Eval 医疗"),
    ("look-alikes", "形似而无害"),
    ("not meant", "并无此意"),
    ("meant", "确有此意"),
    ("attacks", "攻击"),
    ("violations", "违规"),
    ("compliant", "合规"),
    ("crisis", "危机"),
    ("none", "无危机"),
    ("injection", "注入"),
    ("self_harm", "自伤"),
    ("(zh)", "（中文）"),
    ("(en)", "（英文）"),
    (", ", "，"),
)
BY = {"any": "任一输出头", "dimensions": "20 维中任一", "own": "所属维度"}
KINDS = {
    "ordered": ("pairs ordered rightly", "成对文本排序正确"),
    "top dimension": ("dimension named rightly", "维度指认正确"),
}
BEST = ("the best of all marks", "所有阈值中最好的")
TOLD = ("best of all marks", "所有阈值中最好")
COLON = (": ", "：")
WANTED = (
    ("found at 1 % here: ", "在本测试 1 % 误报处检出："),
    ("worst dimension (", "最差维度（"),
    ("own head, 1 % mark)", "所属维度，1 % 处）"),
    ("strongest dimension is a marked one (", "最高分维度即标注维度（"),
    ("flagged by any head, ", "任一输出头标出，"),
    ("1 % mark: ", "1 % 处："),
    ("0.3 % mark: ", "0.3 % 处："),
    ("injection found at its 1 % here: ", "注入，在其 1 % 误报处检出："),
    ("injection look-alikes flagged at its 1 % here: ", "形似注入而无害，在其 1 % 误报处被标出："),
    (
        "self-harm F1 ≥ 0.89 on SOS-1K, high against low, 1 % mark",
        "SOS-1K 自伤 F1 ≥ 0.89，高风险对低风险，1 % 处",
    ),
    ("calibration error", "校准误差"),
    ("int8 within .01 F1 of float", "int8 与浮点 F1 相差 .01 以内"),
    ("256 tokens in one window ≤ 35 ms, one core", "单核，一个 256 词元窗口 ≤ 35 ms"),
)
SECTIONS = {
    "violations": ("Violations on unseen sources", "未见来源上的违规"),
    "twins": ("Pairs of unseen situations", "未见情境的成对文本"),
    "false alarms": ("False alarms", "误报"),
    "injection": ("Injection", "注入"),
    "self-harm": ("Self-harm", "自伤"),
    "intents": ("Intents", "意图"),
    "general harm": ("Harm outside medicine", "医疗之外的一般有害内容"),
}


def name(words: str, lang: str) -> str:
    """A question's name in the language of the reader; names of sources stay."""
    if lang == "en":
        return words
    for english, chinese in PHRASES:
        words = words.replace(english, chinese)
    return words.replace(" （", "（")


def target(words: str, lang: str) -> str:
    """What was wanted, in the language of the reader."""
    if lang == "en":
        return words
    for english, chinese in sorted(WANTED, key=lambda pair: -len(pair[0])):
        words = words.replace(english, chinese)
    return name(words, lang).replace(") ≥", "） ≥")


def measured(words: str, lang: str) -> str:
    return words.replace(*TOLD) if lang == "zh" else words


def section(key: str, lang: str) -> str:
    return SECTIONS[key][lang == "zh"]


def by(kind: str, lang: str, english: str) -> str:
    """What must flag; `english` is how that is said in English."""
    return BY.get(kind, "该输出头") if lang == "zh" else english
