"""llama.cpp's own server, in a wheel that is installed beside the checkout, not into it.

By hand: `PYTHONPATH=… python tests/llama_cpp.py MODEL.gguf HOST PORT` serves until it is killed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

# The C++ server of llama.cpp (build 11549) behind a thin binding: 34 MB, nothing to compile.
WHEEL = "xllamacpp==2026.10.11549"
SECONDS = 300
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asft-tests"


def installed(cache: Path = CACHE, wheel: str = WHEEL, seconds: float = SECONDS) -> Path:
    """Return a folder for PYTHONPATH that holds the wheel; installs it if it is not there.

    Raises:
        OSError: it cannot be installed, or not within `seconds`; says what to do.
    """
    folder = cache / wheel
    if folder.is_dir():
        return folder
    by_hand = f"by hand: pip install --no-deps --target '{folder}' {wheel}"
    cache.mkdir(parents=True, exist_ok=True)
    # Renamed when whole: what was cut short, or is being made by another run, is never used.
    fresh = Path(tempfile.mkdtemp(dir=cache))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "0"]
    command += ["--only-binary", ":all:", "--target", str(fresh / "it"), wheel]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of pip"])[-1]
            raise OSError(f"{wheel} cannot be installed: {last}; {by_hand}")
        if not folder.is_dir():
            (fresh / "it").rename(folder)
    except subprocess.TimeoutExpired:
        raise OSError(f"{wheel}: not installed within {seconds:g} s; {by_hand}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def command(folder: Path) -> str:
    """Return the command that serves a GGUF file, for `generation.server.command`."""
    here = f"{sys.executable} {Path(__file__).resolve()}"
    return f"env PYTHONPATH='{folder}' {here} {{policy}} {{host}} {{port}}"


def serve(model: str, host: str, port: int) -> None:
    """Serve a model, two calls at a time, each with 256 tokens of context."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path, settings.hostnames, settings.port = model, [host], port
    settings.n_ctx, settings.n_parallel, settings.warmup = 512, 2, False
    settings.cpuparams.n_threads = 1
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
