"""The way to a server: no proxy for this machine, and variables by name where they fail."""

import asyncio

import pytest

from asft.errors import UserError
from asft.generation.endpoint.network import hint, http_client, is_direct

FAR = "https://judge.example/v1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_what_is_direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "near.example,10.0.0.1")
    for host in ("127.0.0.1", "localhost", "api.localhost", "[::1]", "near.example", "10.0.0.1"):
        assert is_direct(f"http://{host}:8000/v1"), host
    assert not is_direct(FAR)


def test_socks_is_named_and_not_needed_for_this_machine(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://user:secret@127.0.0.1:9")
    with pytest.raises(UserError, match=r"ALL_PROXY: a SOCKS proxy.*socksio") as caught:
        http_client(FAR)
    assert "secret" not in str(caught.value)
    asyncio.run(http_client("http://127.0.0.1:1/v1").aclose())
    monkeypatch.setenv("NO_PROXY", "judge.example")
    asyncio.run(http_client(FAR).aclose())


def test_what_is_no_proxy_is_named(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:9")
    with pytest.raises(UserError, match="HTTPS_PROXY: not the URL of a proxy"):
        http_client(FAR)


def test_certificates_that_are_not_there_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(UserError, match="SSL_CERT_FILE: no certificates"):
        http_client(FAR)
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(UserError, match="SSL_CERT_FILE: no certificates"):
        http_client(FAR)
    asyncio.run(http_client("http://127.0.0.1:1/v1").aclose())


def test_hints(monkeypatch):
    assert hint(FAR, "All connection attempts failed") == ""
    assert "SSL_CERT_" in hint(FAR, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert "the proxy in the environment variable https_proxy" in hint(FAR, "refused")
    assert hint("http://localhost/v1", "refused") == ""
