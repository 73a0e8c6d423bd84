"""An answer as it is kept: what was said, and what the server said about it."""

from typing import Literal, NamedTuple, Self

from asft.generation.endpoint.dialects import ending_of
from asft.thinking import is_tagged, split_thinking

# What a stored answer is: whole, cut off by a limit, or cut by moderation.
ReplyState = Literal["answer", "truncated", "moderated"]


class Reply(NamedTuple):
    """What a judge said, and what the server said about it."""

    text: str  # behind the thinking
    finish_reason: str  # the server's word: "stop", "eos_token", … or "" where it gave none
    model: str  # the name that came back
    prompt_tokens: int | None  # None: the server did not count
    completion_tokens: int | None  # those of the thinking too
    system_fingerprint: str
    date: str  # UTC, ISO 8601
    thinking: str = ""  # as it came: in tags where it stood in the text
    thinking_tokens: int | None = None

    @property
    def ending(self) -> str:
        """Why the reply ended: "stop", "length", …; a word of no known dialect as it came."""
        return ending_of(self.finish_reason)

    @property
    def content(self) -> str:
        """The text as the server sent it, with the thinking that stood in it."""
        return self.thinking + self.text if is_tagged(self.thinking) else self.text

    @property
    def tokens(self) -> tuple[int, int] | None:
        """Tokens that were read and written; None where the server did not count them."""
        written = self.completion_tokens
        if written is None and not self.content and not self.thinking:
            written = 0
        if self.prompt_tokens is None or written is None:
            return None
        return self.prompt_tokens, written

    @property
    def state(self) -> ReplyState:
        """Whether this is all that the judge wanted to say."""
        if not self.text and split_thinking(self.thinking).is_open:
            return "truncated"
        states: dict[str, ReplyState] = {"length": "truncated", "content_filter": "moderated"}
        return states.get(self.ending, "answer")

    def apart(self) -> Self:
        """Return it with thinking that stands in its text moved to `thinking`."""
        found = split_thinking(self.text)
        if self.thinking or not found.thinking:
            return self
        return self._replace(text=found.text, thinking=found.thinking)
