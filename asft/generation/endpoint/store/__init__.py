"""The store of answers: each is paid for once and kept, whatever happens next.

A folder (by default cache/judge.answers) that jobs on any machines may share on a file system
without locks. Each job appends to a file of its own and claims a call before it asks; the store is
the union of all files. By hand: `jq -r .answer.text cache/judge.answers/*.jsonl`.
"""

from asft.generation.endpoint.store.calls import call_key, describe_call
from asft.generation.endpoint.store.reply import Reply, ReplyState
from asft.generation.endpoint.store.shared import Store

__all__ = ["Reply", "ReplyState", "Store", "call_key", "describe_call"]
