"""The base policy: whether it is here, its chat template on real pairs, packing and decoding."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from asft.config import Config, require_local, require_model, require_template, trained_datasets
from asft.data import TokenPair, describe, offline, refuse_chance
from asft.doctor.hardware import available
from asft.doctor.pairs import about_pair, first_usable, pairs_of
from asft.doctor.rows import Row, examined, size_of
from asft.doctor.tokens import ShownPair, show_pair
from asft.generation import supports
from asft.models import ModelHere, model_here, resolve_precision, tokenizer_here, weights_of
from asft.training import load_trainable

FREE = 0.8  # of the memory that is free, for weights that are tried


class Look:
    """A look at one experiment's base policy and at a pair of each of its data sets."""

    def __init__(self, config: Config) -> None:
        self.config, self.model = config, config.models[config.model]
        self.shown: list[ShownPair] = []
        self._pairs: list[TokenPair] = []
        self._here: ModelHere | None = None
        self._tokenizer: Any = None

    def rows(self) -> list[Row]:
        """Go through all checks; nothing is downloaded."""
        with offline():
            found = examined("model", self._where)
            if self._here:
                found += examined("chat template", self._template)
            if self._tokenizer is not None:
                for dataset in trained_datasets(self.config):
                    found += examined(f"{dataset}: tokens", partial(self._pair, dataset))
            if self._here:
                found += examined("packing", self._loaded)
        return found

    def _where(self) -> Iterator[Row]:
        key, made = f"models.{self.config.model}", Path(self.config.results, "models")
        made /= self.config.model
        self._here = model_here(self.model, made)
        if self._here:
            size = weights_of(self._here.weights)
            found = f"{self._here.folder}: {size['parameters']:,} parameters, {size['dtype']}"
            yield Row("model", "ok", found)
            return
        require_local(self.model.sources, f"{key}.sources")
        require_model(self.model, f"{key}.sources")
        require_template(self.model.chat_template, f"{key}.chat_template")
        sources = ", ".join(map(describe, self.model.sources))
        found = f"not here yet, so tokens, packing and decoding were not tried; from: {sources}"
        advice = f"the run imports it first; by itself: asft run --cores all {made}"
        yield Row("model", "note", found, advice)

    def _template(self) -> Iterator[Row]:
        assert self._here
        tokenizer, given = tokenizer_here(self.model, self._here), self.model.chat_template
        texts = tokenizer.chat_template
        if not texts:
            advice = f"models.{self.config.model}.chat_template: chatml, or a file"
            yield Row("chat template", "problem", "the model has none", advice)
            return
        for text in [texts] if isinstance(texts, str) else texts.values():
            refuse_chance(text)
        self._tokenizer = tokenizer
        yield Row("chat template", "ok", f"the config's: {given}" if given else "the model's own")

    def _pair(self, dataset: str) -> Iterator[Row]:
        pairs = pairs_of(self.config, dataset)
        if isinstance(pairs, Row):
            yield pairs
            return
        encoded, notes = first_usable(self.config, dataset, pairs, self._tokenizer)
        self._pairs.append(encoded)
        self.shown.append(show_pair(self.config, dataset, encoded, self._tokenizer))
        yield from about_pair(dataset, encoded, notes, self._tokenizer)

    def _loaded(self) -> Iterator[Row]:
        assert self._here
        need, free = 4 * weights_of(self._here.weights)["parameters"], available()
        if need > FREE * free:
            sizes = f"{size_of(need)} in fp32, and {size_of(free)} of memory are free"
            yield Row("packing", "note", f"not tried, nor decoding: weights take {sizes}")
            return
        training = self.config.training
        computed = resolve_precision(training.precision)
        policy = load_trainable(self._here.folder, training.attention, computed, self._pairs)
        yield self._packing(policy)
        yield self._decoding(policy)

    def _packing(self, policy: Any) -> Row:
        attention = policy.config._attn_implementation
        if not policy.apart_because:
            found = f"packed pairs give what separate sequences give; attention {attention}"
            return Row("packing", "ok", found)
        found = f"pairs are not packed: {policy.apart_because}; attention {attention}"
        if self.config.training.processes > 1:
            return Row("packing", "problem", found, "it trains in one process: processes: 1")
        return Row("packing", "note", found, "as exact, and slower: docs/models.md")

    def _decoding(self, policy: Any) -> Row:
        if self.config.generation.backend == "openai":
            return Row("decoding", "ok", "by the server of generation.server")
        kind = policy.config.model_type
        if supports(policy):
            return Row("decoding", "ok", f"by the project's own decoding, which knows {kind}")
        return Row("decoding", "note", f"by transformers' generate ({kind})", "slower")
