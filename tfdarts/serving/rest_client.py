"""A client of TF Serving's REST interface."""

import base64
import json
import time
import urllib.parse

import numpy as np
import requests
import urllib3

from tfdarts.serving.clients import Client
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.serving.clients import foreign_answer_error
from tfdarts.serving.clients import strip_context
from tfdarts.serving.clients import timeout_error
from tfdarts.serving.proxies import describe_proxy
from tfdarts.serving.proxies import http_proxy_of
from tfdarts.serving.proxies import is_loopback

_LATER = (429, 502, 503, 504)
_CHUNK = 2**16


class RestClient(Client):
    """Asks a server over REST.

    Args:
        url: Parts of the server's URL, from `validate_url`.
        name: String, the name of the model on the server.
        version: Integer, or string, the label of a version. Defaults to the
            newest.
        timeout: Float, seconds to wait for an answer.

    Reference:

    - [TF Serving's REST API](https://www.tensorflow.org/tfx/serving/api_rest)
    """

    def __init__(self, url, name, version=None, timeout=10.0):
        path = f"/v1/models/{name}"
        if version is not None:
            kind = "versions" if isinstance(version, int) else "labels"
            path += f"/{kind}/{version}"
        self.server = self.who = urllib.parse.urlunsplit(url)
        self.url = self.server.rstrip("/") + urllib.parse.quote(
            f"{path}:predict", "/:"
        )
        self.timeout = timeout
        self.session = requests.Session()
        local = is_loopback(url.hostname)
        # Other settings of the environment, such as certificates, stay.
        self.proxies = {"no_proxy": url.hostname} if local else None
        self.where = self.server
        if not local:
            self.where += describe_proxy(http_proxy_of(url))

    def ask(self, signature, inputs, outputs):
        """See `tfdarts.serving.clients.Client`."""
        encoded = {name: _encode(values) for name, values in inputs.items()}
        body = {"signature_name": signature, "inputs": encoded}
        until = time.monotonic() + self.timeout
        try:
            with self.session.post(
                self.url,
                json=body,
                timeout=self.timeout,
                stream=True,
                proxies=self.proxies,
            ) as response:
                text = self._read(response, until)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise timeout_error(self.where, self.timeout) from error
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
        ) as error:
            raise Unavailable(
                f"{self.where} cannot be reached: does a server run there, "
                f"and is this its REST port? ({_reason(error)})"
            ) from error
        return self._outputs(response, text, outputs)

    def _read(self, response, until):
        """Returns the body of a response, within the whole timeout.

        The timeout of `requests` applies to each piece of a response.
        """
        pieces = []
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > until:
                raise requests.Timeout
        return b"".join(pieces).decode(errors="replace")

    def _outputs(self, response, text, names):
        if response.status_code != 200:
            message = strip_context(_error(response, text))
            if response.status_code in _LATER:
                raise Unavailable(f"{self.where} cannot answer now: {message}")
            bad = response.status_code == 400
            kind = InvalidArgument if bad else ServerError
            raise kind(f"{self.where} refuses: {message}")
        try:
            outputs = json.loads(text)["outputs"]
            if len(names) == 1 and not isinstance(outputs, dict):
                # TF Serving omits the name of a signature's only output.
                return [outputs]
            return [outputs[name] for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise foreign_answer_error(self.where) from error


def _encode(values):
    """Returns bytes or an array in the form for JSON."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _error(response, text):
    try:
        return str(json.loads(text)["error"])
    except (KeyError, TypeError, ValueError):
        return f"{response.status_code} {response.reason}"


def _reason(error):
    """Returns the root cause of an error, as text."""
    while error.__context__ is not None:
        error = error.__context__
    reason = getattr(error, "strerror", None) or str(error)
    return reason if reason.isprintable() else "the answer is not HTTP"
