"""Questions of growing length, and two ways to decode answers to them."""

from asft.config.generation import Decoding
from asft.records import Question

GREEDY = Decoding(max_new_tokens=10)
SAMPLED = Decoding(do_sample=True, temperature=0.9, top_p=0.9, top_k=20, max_new_tokens=10)
QUESTIONS = [
    Question(question_id=str(i), turns=["Count to " + " ".join(map(str, range(i + 1)))])
    for i in range(7)
]
