"""Finding the proxy between a client and a server."""

import contextlib
import ipaddress
import os
import socket
import urllib.parse

import requests

# gRPC reads these variables, in this order, but not in capitals.
_OF_GRPC = ("grpc_proxy", "https_proxy", "http_proxy")


def is_loopback(host):
    """Returns whether a host is this machine, which needs no proxy.

    Args:
        host: String, a name or an address.

    Example:

    >>> [is_loopback(host) for host in ("localhost", "127.1.2.3", "::1", "a")]
    [True, True, True, False]
    """
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        with contextlib.suppress(OSError):
            # Expands short forms such as "127.1".
            host = socket.inet_ntoa(socket.inet_aton(host))
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def http_proxy_of(url):
    """Returns the proxy that `requests` uses for a URL, or `None`.

    Args:
        url: Parts of a URL, from `tfdarts.serving.clients.validate_url`.
    """
    address = urllib.parse.urlunsplit(url)
    proxies = requests.utils.get_environ_proxies(address)
    return requests.utils.select_proxy(address, proxies)


def grpc_proxy_of(url):
    """Returns the proxy that gRPC uses for a URL, or `None`.

    Args:
        url: See `http_proxy_of`.
    """
    without = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy", "")
    for host in without.split(","):
        if host.strip() and url.hostname.endswith(host.strip()):
            return None
    return next(filter(None, map(os.environ.get, _OF_GRPC)), None)


def describe_proxy(proxy):
    """Returns a phrase that names a proxy, or an empty string.

    Example:

    >>> describe_proxy("http://me:secret@proxy:3128")
    ', through the proxy http://proxy:3128,'
    >>> describe_proxy(None)
    ''
    """
    if not proxy:
        return ""
    scheme, _, rest = proxy.rpartition("://")
    address = rest.rpartition("@")[2]
    return f", through the proxy {scheme and scheme + '://'}{address},"
