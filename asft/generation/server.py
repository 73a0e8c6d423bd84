"""Answer questions by a server that is started for a policy, asked, and stopped.

Any OpenAI-compatible server: vLLM in an environment of its own (it cannot share ours),
`transformers serve`, llama.cpp. It applies the chat template that lies in the policy's folder.
Answers are kept beside the output as they come, so that a killed run asks only for the rest.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from asft.config import Decoding, Server
from asft.data import make_cache
from asft.errors import UserError
from asft.files import fingerprint
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.outcomes import Request, is_finished, shortfall
from asft.generation.endpoint.store import Reply, Store
from asft.records import NO_ANSWER, Completion, Message, Question

log = logging.getLogger(__name__)
LOCAL = "127.0.0.1"
# Without the environment's proxies, which know no way to this machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Reads the server's process group, then waits for the end of its input, which comes however the
# step ends, by kill -9 too; a server that outlives it would hold port and GPU.
WATCH = 'read group; read end; kill -s KILL -- "-$group"'


@contextmanager
def served(settings: Server, policy: Path, log: Path) -> Iterator[str]:
    """Start a server of `policy` and yield its URL; stop it when the block ends. It logs to `log`.

    Raises:
        UserError: it cannot be started, ends by itself, or is not ready in time.
    """
    # The same port at a rerun: the URL is part of an answer's key in the store. Another for each
    # benchmark: they may be answered side by side.
    port = 20_000 + int(fingerprint([str(log.resolve())])[:8], 16) % 20_000
    with socket.socket() as probe:
        if probe.connect_ex((LOCAL, port)) == 0:
            raise UserError(f"port {port}: in use; does another program serve {policy}?")
    command = [
        part.format(policy=policy, port=port, host=LOCAL) for part in shlex.split(settings.command)
    ]
    make_cache()
    watch = subprocess.Popen(["sh", "-c", WATCH], stdin=subprocess.PIPE, start_new_session=True)
    assert watch.stdin
    try:
        with log.open("w") as output:
            # A session of its own: servers start workers, which must end with them.
            server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        os.write(watch.stdin.fileno(), f"{server.pid}\n".encode())
    except OSError as error:
        _end(watch)
        raise UserError(f"generation.server.command: {command[0]}: {error.strerror}") from None
    try:
        _wait(f"http://{LOCAL}:{port}/health", server, settings, log)
        yield f"http://{LOCAL}:{port}/v1"
    finally:
        _stop(server)
        _end(watch)


def _wait(url: str, server: subprocess.Popen[bytes], settings: Server, log: Path) -> None:
    deadline = time.monotonic() + settings.ready_s
    while time.monotonic() < deadline:
        if server.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise UserError(f"the server ended with status {server.returncode}: {last[0]} ({log})")
        with suppress(OSError), DIRECT.open(url, timeout=2) as reply:
            if reply.status == 200:
                return
        time.sleep(0.2)
    raise UserError(
        f"{url}: no answer in {settings.ready_s:g} s (generation.server.ready_s); {log}"
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End it and what it started; workers that outlive it are killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=30)


def _end(watch: subprocess.Popen[bytes]) -> None:
    watch.kill()
    watch.communicate()


def answer_all(
    url: str,
    settings: Server,
    policy: Path,
    questions: Sequence[Question],
    decodings: Sequence[Decoding],
    seed: int,
    store: Path,
) -> list[Completion]:
    """Ask a server all turns of all questions, the policy's own earlier answers in context.

    Raises:
        UserError: the run was stopped before each question was asked, or more questions than
            `max_missing` were asked and have no answer; what came is kept in `store`.
    """
    talks = [list(question.context) for question in questions]
    answers: list[list[Reply]] = [[] for _ in questions]
    lost: dict[int, str] = {}
    with Store(store) as kept:
        for turn in range(max(len(question.turns) for question in questions)):
            active = [i for i, q in enumerate(questions) if turn < len(q.turns) and i not in lost]
            for i in active:
                talks[i].append(Message(role="user", content=questions[i].turns[turn]))
            for decoding in dict.fromkeys(decodings[i] for i in active):
                places = [i for i in active if decodings[i] == decoding]
                endpoint = _endpoint(url, settings, policy, decoding, seed)
                requests = [Request(list(talks[i])) for i in places]
                outcomes = ask(endpoint, requests, kept, proven=any(answers))
                if not is_finished(outcomes):
                    raise UserError(f"{policy}: {shortfall(outcomes, 'answered')}")
                for i, outcome in zip(places, outcomes, strict=True):
                    if outcome.answer is None:
                        lost[i] = outcome.error
                        continue
                    answers[i].append(outcome.answer)
                    talks[i].append(Message(role="assistant", content=outcome.answer.text))
    if lost:
        first, why = next(iter(lost.items()))
        said = (
            f"{policy}: {len(lost)} of {len(questions)} questions have no answer, such as"
            f" question_id {questions[first].question_id!r}: {why}"
        )
        if len(lost) > settings.max_missing * len(questions) or not any(answers):
            raise UserError(
                f"{said}; rerun to ask them again, leave them out, or go on without them by"
                " generation.server.max_missing"
            )
        log.warning("%s; they are neither scored nor judged", said)
    return [_completion(*pair) for pair in zip(questions, answers, strict=True)]


def _completion(question: Question, turns: Sequence[Reply]) -> Completion:
    missing = len(question.turns) - len(turns)
    return Completion(
        question_id=question.question_id,
        turns=[answer.text.strip() for answer in turns] + [""] * missing,
        finish_reasons=[answer.ending for answer in turns] + [NO_ANSWER] * missing,
        tokens=[answer.completion_tokens for answer in turns] + [None] * missing,
        thinking=[answer.thinking for answer in turns] + [""] * missing,
        thinking_tokens=[answer.thinking_tokens for answer in turns] + [None] * missing,
    )


def _endpoint(url: str, settings: Server, policy: Path, decoding: Decoding, seed: int) -> Endpoint:
    parameters: dict[str, Any] = {"max_tokens": decoding.max_new_tokens, "seed": seed}
    if decoding.do_sample:
        parameters |= {"temperature": decoding.temperature, "top_p": decoding.top_p}
        if decoding.top_k:  # no parameter of OpenAI's own, but of most servers'
            parameters["top_k"] = decoding.top_k
    else:
        parameters["temperature"] = 0
    return Endpoint(
        base_url=url,
        model=settings.model.format(policy=policy),
        parameters=parameters | settings.parameters,
        concurrency=settings.concurrency,
        timeout_s=settings.timeout_s,
        max_attempts=settings.max_attempts,
        max_wait_s=settings.max_wait_s,
    )
