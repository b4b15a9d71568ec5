"""Names that a person struck out after reading what they matched in real consultations."""

from __future__ import annotations

# Not drugs, or common words first.
DROP = frozenset(
    """
    factor strong 血栓 乙肝转阴 血压平 痔疮栓 贯叶 颗粒 口服液 注射液 糖浆 软膏 乳膏 胶囊 喷雾剂 气雾剂 洗液 亚硝酸 硫磺 胶囊剂 dopamine 哌酮片 制剂中间体 供口服用 成人装 鸡胚细胞 三氯 山梨醇 人血 凝血 心得 血脂 平安 健康 安静 舒服 康复 清凉 通便 润肠
    枸橼酸 门冬氨酸 血小板 白蛋白 皮质醇 吸收性明胶海绵 生长抑素 雌二醇 睾酮 testosterone collagenase caffeine 咖啡因 苯甲酸 乳酸 草酸 醋酸
    """.split()
)
# Drugs whose name is also part of other words: they count only with a form or dose right after.
AMBIGUOUS = frozenset(
    """
    """.split()
)
