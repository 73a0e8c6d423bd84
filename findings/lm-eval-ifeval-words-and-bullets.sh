#!/usr/bin/env bash
# lm-eval 0.4.13, IFEval's checkers: a keyword is there inside another word, a forbidden one is not; a rule is a bullet.
#
# Guess: both ask for words, so "art" is neither used nor forbidden in "We start the party"; three bullets
# above a Markdown rule ("---") are three.
# Seen: keywords:existence holds for "art" there, keywords:frequency counts it twice (start, party), and
# keywords:forbidden_words finds none: only that checker looks at word boundaries. The keyword is a regular
# expression to all three. detectable_format:number_bullet_lists counts every line that begins with "-", so
# the rule is a fourth bullet, and a line "-5 degrees" one too; it asks for the exact number, so such an
# answer fails.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet 'lm_eval[ifeval]==0.4.13' nltk==3.10.0
HF_HUB_OFFLINE=1 env/bin/python - 2> /dev/null <<'PY'
from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT


def follows(name, answer, **how):
    checker = INSTRUCTION_DICT[name](name)
    checker.build_description(**how)
    found = bool(checker.check_following(answer))
    print(f"{name} {how}: {answer!r}: {found}", flush=True)
    return found


party = "We start the party."
assert follows("keywords:existence", party, keywords=["art"])
assert follows("keywords:frequency", party, keyword="art", frequency=2, relation="at least")
assert follows("keywords:forbidden_words", party, forbidden_words=["art"])
assert not follows("keywords:forbidden_words", "We love art.", forbidden_words=["art"])
three = "- tea\n- milk\n- sugar\n"
assert follows("detectable_format:number_bullet_lists", three, num_bullets=3)
assert not follows("detectable_format:number_bullet_lists", three + "\n---\nDone.", num_bullets=3)
assert not follows("detectable_format:number_bullet_lists", three + "It has\n-5 degrees.", num_bullets=3)
PY
