"""A real HTTP server that plays an OpenAI-compatible judge, with scripted faults.

    with JudgeServer([error(500), completion("[[7]]")]) as server:   # each body: first 500, then 7
        ... server.url ... server.bodies ... server.seen[text of the last message]

By hand: `python tests/judge_server.py 0.2` answers each call after 0.2 s until it is killed;
a GET says how many there were.
"""

import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Reply(NamedTuple):
    """What the server does with one request."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    delay: float = 0  # seconds before the first byte
    reset_after: int | None = None  # bytes of the body after which the connection is reset
    drip: float = 0  # seconds between single bytes of the body


Script = Sequence[Reply] | Callable[[dict[str, Any], int], Reply]


def completion(
    text: str | None = "[[7]]", finish_reason: str = "stop", *, delay: float = 0, **message: Any
) -> Reply:
    """A chat completion; `message` adds to its message, such as refusal="…"."""
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "judge-0613",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }
    return Reply(json.dumps(reply).encode(), delay=delay)


def error(status: int, message: str = "scripted", code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it; `retry_after="2"` becomes the header Retry-After."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(json.dumps(body).encode(), status, (("Content-Type", "application/json"), *named))


class JudgeServer:
    """Serves `script` on a free port of 127.0.0.1 between `with` and its end.

    Args:
        script: the replies to the first, second, … request with one body (the last one repeats), or
            a function of the body and of how often that body came before.
    """

    def __init__(self, script: Script = ()) -> None:
        self.script = script or [completion()]
        self.bodies: list[dict[str, Any]] = []  # of all requests, in order of arrival
        self.headers: list[dict[str, str]] = []  # names in lower case
        self.times: list[float] = []  # monotonic, of arrival
        self.seen: Counter[str] = Counter()  # requests by the text of their last message
        self._repeats: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.judge = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_reply(self, raw: bytes, headers: dict[str, str]) -> Reply:
        body = json.loads(raw)
        text = body["messages"][-1]["content"]
        with self._lock:
            self.times.append(time.monotonic())
            self.bodies.append(body)
            self.headers.append(headers)
            self.seen[text] += 1
            before = self._repeats[raw.decode()]
            self._repeats[raw.decode()] += 1
        if callable(self.script):
            return self.script(body, before)
        return self.script[min(before, len(self.script) - 1)]


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does: never by the clock, since any machine may be busy."""
    deadline = time.monotonic() + 200
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.002)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    judge: JudgeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each reply waits 40 ms for the client's acknowledgement

    def do_GET(self) -> None:
        """Say how many requests there were."""
        assert isinstance(self.server, _Server)
        body = str(len(self.server.judge.bodies)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, _Server)
        reply = server.judge.next_reply(raw, {n.lower(): v for n, v in self.headers.items()})
        time.sleep(reply.delay)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.reset_after is not None:
            self.wfile.write(reply.body[: reply.reset_after])
            self._reset()
        elif reply.drip:
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                time.sleep(reply.drip)
        else:
            self.wfile.write(reply.body)

    def _reset(self) -> None:
        time.sleep(0.05)  # else the reset may overtake the bytes before it
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


if __name__ == "__main__":
    with JudgeServer([completion(delay=float(sys.argv[1]))]) as judge:
        print(judge.url, flush=True)
        threading.Event().wait()
