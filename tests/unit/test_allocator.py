"""tcmalloc is put before what we start, where it is there and nobody has said otherwise."""

import os
import subprocess
import sys

import pytest

from asft import allocator

linux = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")


@linux
@pytest.mark.parametrize("given", [None, "", "libother.so"])
@pytest.mark.parametrize("installed", [None, "libtcmalloc_minimal.so.4"])
def test_preload(given: str | None, installed: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator, "find_library", lambda name: installed)
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    if given is not None:
        monkeypatch.setenv("LD_PRELOAD", given)
    allocator.preload_allocator()
    assert os.environ.get("LD_PRELOAD") == (installed if given is None else given)


@linux
@pytest.mark.optional
def test_a_started_process_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    name = allocator.tcmalloc()
    if name is None:
        pytest.skip("no tcmalloc on this system")
    monkeypatch.setenv("LD_PRELOAD", name)
    code = "print('tcmalloc' in open('/proc/self/maps').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert not done.stderr
