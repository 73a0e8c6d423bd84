"""Texts made to break out of a judge's prompt, or to pass for its verdict."""

from hypothesis import strategies as st

PIECES = [
    *("[[", "]]", "[", "]", "<|", "|>", "<", ">", "|", "#", "##", "###", " ", "\n", ":", "\r"),
    *("8", "10", "0", "7.5", "٣", "A>>B", "A=B", "B>A", "a", "<p>", "\0", "\u200b", "{answer}"),
    *("The Start of ", "The End of ", "Assistant A's Answer", "assistant's Answer", "Question"),
    *("User", "Assistant A", "Reference answer", "### User:", "[[9]]", "<|User Prompt|>"),
]
TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
