"""The way to a server: directly, or by the proxies and certificates that the environment names.

A server on this machine is reached directly, whatever proxy the environment names. The values of
these variables are never shown: a proxy's URL may hold a password.
"""

import os
import ssl
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import openai

from asft.errors import UserError

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def http_client(url: str) -> openai.DefaultAsyncHttpxClient:
    """Open the HTTP client for one server.

    Raises:
        UserError: a proxy or certificates that the environment names cannot be used; names the
            variable.
    """
    https = urlsplit(url).scheme == "https"
    if is_direct(url):
        # Without `trust_env` the client would also leave the environment's certificates aside.
        verify = ssl.create_default_context() if https else True
        return openai.DefaultAsyncHttpxClient(trust_env=False, verify=verify)
    try:
        return openai.DefaultAsyncHttpxClient()
    except ImportError:
        raise UserError(
            f"{_names(proxies('socks'))}: a SOCKS proxy, for which the package socksio is needed"
            " (pip install socksio); or unset it, or name the server's host in NO_PROXY"
        ) from None
    except OSError as error:  # ssl's errors are OSErrors too
        raise UserError(
            f"{_names(certificates())}: no certificates can be read there"
            f" ({error.strerror or type(error).__name__}); name a file in PEM format, or unset it"
        ) from None
    except ValueError:
        raise UserError(
            f"{_names(proxies())}: not the URL of a proxy; unset or correct it"
        ) from None


def is_direct(url: str) -> bool:
    """Tell whether no proxy stands between: the server is on this machine, or in NO_PROXY."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        if ip_address(host).is_loopback:
            return True
    except ValueError:
        pass
    return bool(proxy_bypass(host))


def hint(url: str, failure: str) -> str:
    """Return which variable of the environment may be behind a connection that failed; or ""."""
    if "certificate" in failure.lower():
        return f" (certificates: {_names(certificates() or list(CERTIFICATES))})"
    found = [] if is_direct(url) else proxies()
    return f" (through the proxy in {_names(found)})" if found else ""


def proxies(scheme: str = "") -> list[str]:
    """Return the environment variables that name a proxy, of URLs that begin with `scheme`."""
    wanted = ("all_proxy", "http_proxy", "https_proxy")
    return [
        name
        for name, value in os.environ.items()
        if name.lower() in wanted and value and value.lower().startswith(scheme)
    ]


def certificates() -> list[str]:
    """Return the environment variable whose certificates are used, if there is one."""
    return [name for name in CERTIFICATES if os.environ.get(name)][:1]


def _names(variables: list[str]) -> str:
    return "the environment variable " + " or ".join(variables)
