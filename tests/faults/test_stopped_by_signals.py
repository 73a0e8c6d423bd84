"""A step that starts a server ends, however it does: the server ends too, and a rerun goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from asft.cli import app
from asft.files import read_jsonl, write_jsonl
from asft.records import Completion, Question

ASFT = Path(sys.executable).parent / "asft"
# Answers as long as the file `answers` is beside it, else it lets a question wait.
SERVER = """
import json, os, pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
FOLDER = pathlib.Path(__file__).parent
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({})
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        (FOLDER / "asked").touch()
        while not (FOLDER / "answers").exists():
            time.sleep(0.05)
        message = {"role": "assistant", "content": "Red."}
        self.reply({"model": "policy", "choices": [{"message": message, "finish_reason": "stop"}]})
    def reply(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
with (FOLDER / "pids").open("a") as file:
    file.write(f"{os.getpid()}\\n")
server.serve_forever()
"""


@pytest.fixture
def command(tiny, tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    write_jsonl(tmp_path / "q.jsonl", [Question(question_id="a", turns=["Name a colour."])])
    server = {"command": f"{sys.executable} {tmp_path}/server.py {{port}}", "ready_s": 60}
    # One server, however many processes: they would want the same port.
    generation = {"backend": "openai", "processes": 2, "server": server}
    settings = json.dumps({"decoding": {}, "temperatures": {}, "generation": generation})
    words = [ASFT, "generate", "--policy", tiny, "--questions", tmp_path / "q.jsonl"]
    return [*map(str, words), "--settings", settings, "--out", str(tmp_path / "out.jsonl")]


def start(command):
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_until(condition, process=None):
    end = time.monotonic() + 180
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_the_server_ends_with_its_step_and_a_rerun_starts_another(command, tmp_path, name):
    process = start(command)
    wait_until((tmp_path / "asked").exists, process)
    number = getattr(signal, name)
    process.send_signal(number)
    said = process.communicate(timeout=180)[1]
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert said.splitlines()[-1] == f"error: stopped by {name}; rerun to go on"
    (server,) = (tmp_path / "pids").read_text().split()
    wait_until(lambda: not running(server))

    (tmp_path / "answers").touch()
    process = start(command)
    _, said = process.communicate(timeout=180)
    assert process.returncode == 0, said
    assert [c.turns for c in read_jsonl(tmp_path / "out.jsonl", Completion)] == [["Red."]]
    assert len((tmp_path / "pids").read_text().split()) == 2
    assert not any(map(running, (tmp_path / "pids").read_text().split()))


def running(pid):
    """Whether it is there, and not only waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_step_that_waits_is_stopped_in_one_line(tmp_path, number):
    os.mkfifo(tmp_path / "questions.jsonl")
    command = [
        ASFT,
        "--log",
        tmp_path / "log",
        "score",
        "--questions",
        tmp_path / "questions.jsonl",
    ]
    command += ["--completions", tmp_path / "none.jsonl", "--out", tmp_path / "out.csv"]
    child = start([*map(str, command)])
    with (tmp_path / "questions.jsonl").open("w"):  # opens when the step has opened it too
        child.send_signal(number)
        said = child.communicate(timeout=180)[1]
    assert child.returncode == 128 + number
    assert said == f"error: stopped by {number.name}; rerun to go on\n"
    assert (tmp_path / "log").read_text() == said


def test_a_stop_that_a_library_makes_another_error_of_is_told(monkeypatch, capfd):
    """As transformers' lazy imports do, of any error, by recursion: no chain leads back."""

    def swallowed(arguments):
        with suppress(BaseException):
            app._stop(signal.SIGTERM, None)
        raise RuntimeError("could not import")

    monkeypatch.setattr(app, "app", swallowed)
    with pytest.raises(SystemExit) as done:
        app.run(["score"])
    assert done.value.code == 128 + signal.SIGTERM
    assert capfd.readouterr().err == "error: stopped by SIGTERM; rerun to go on\n"
    # The next command in this process was not stopped.
    monkeypatch.setattr(app, "app", lambda arguments: None)
    with pytest.raises(SystemExit) as done:
        app.run(["score"])
    assert done.value.code == 0
