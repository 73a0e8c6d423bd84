"""llama.cpp as decoding.py measures it: sequences side by side in its batches, greedy."""

from typing import Any

import llama_cpp as peer
import numpy as np


class Sequences:
    """A model of which many sequences are continued at once."""

    def __init__(self, model: str, end: int, threads: int) -> None:
        self._keep_silent()
        self._end, self._threads = end, threads
        peer.llama_backend_init()
        self._model = peer.llama_model_load_from_file(
            model.encode(), peer.llama_model_default_params()
        )
        vocabulary = peer.llama_model_get_vocab(self._model)
        self._words = peer.llama_vocab_n_tokens(vocabulary)

    def _keep_silent(self) -> None:
        self._log = peer.llama_log_callback(lambda *_: None)
        peer.llama_log_set(self._log, None)

    def answer(self, prompts: list[list[int]], most: int) -> list[list[int]]:
        """Continue every prompt, with an empty cache; a row that has ended is computed no more."""
        context, batch = self._context(prompts, most)
        found: list[list[int]] = [[] for _ in prompts]
        going = list(range(len(prompts)))
        new = {row: (0, prompt) for row, prompt in enumerate(prompts)}  # first position, tokens
        while going:
            for row, token in zip(going, self._decode(context, batch, new), strict=True):
                found[row].append(token)
            going = [i for i in going if found[i][-1] != self._end and len(found[i]) < most]
            new = {i: (len(prompts[i]) + len(found[i]) - 1, found[i][-1:]) for i in going}
        peer.llama_batch_free(batch)
        peer.llama_free(context)
        return found

    def _context(self, prompts: list[list[int]], most: int) -> tuple[Any, Any]:
        """Room for all, each sequence with a cache of its own; and a batch for all prompts."""
        tokens = sum(map(len, prompts))
        params = peer.llama_context_default_params()
        params.n_ctx = len(prompts) * (max(map(len, prompts)) + most)
        params.n_batch, params.n_seq_max = tokens, len(prompts)
        params.n_threads = params.n_threads_batch = self._threads
        context = peer.llama_init_from_model(self._model, params)
        if not context:
            raise SystemExit("llama.cpp: no context")
        return context, peer.llama_batch_init(tokens, 0, 1)

    def _decode(self, context: Any, batch: Any, new: dict[int, tuple[int, list[int]]]) -> list[int]:
        """Compute new tokens of sequences; the likeliest that follows each."""
        at = 0
        for row, (first, tokens) in new.items():
            for place, token in enumerate(tokens):
                batch.token[at], batch.pos[at] = token, first + place
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, row
                batch.logits[at] = place == len(tokens) - 1
                at += 1
        batch.n_tokens = at
        if peer.llama_decode(context, batch):
            raise SystemExit("llama.cpp: llama_decode failed")
        logits = peer.llama_get_logits(context)
        likeliest: list[int] = (
            np.ctypeslib.as_array(logits, (len(new), self._words)).argmax(-1).tolist()
        )
        return likeliest
