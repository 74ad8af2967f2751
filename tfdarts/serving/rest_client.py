"""A client of TF Serving's REST interface."""

import base64
import urllib.parse

import numpy as np
import requests

from tfdarts.serving.clients import SIGNATURE
from tfdarts.serving.clients import Answer
from tfdarts.serving.clients import InvalidImage
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.serving.clients import plain
from tfdarts.serving.clients import too_late

_LATER = (429, 502, 503, 504)


class RestClient:
    """Asks a server over REST.

    Args:
        url: Parts of the server's URL, of `checked_url`.
        name: String, what the server calls the model.
        version: Integer, or string, the label of a version. Defaults to the
            newest.
        timeout: Float, seconds that an answer may take.

    Reference:

    - [TF Serving's REST API](https://www.tensorflow.org/tfx/serving/api_rest)
    """

    def __init__(self, url, name, version=None, timeout=10.0):
        where = {int: f"/versions/{version}", str: f"/labels/{version}"}
        path = f"/v1/models/{name}{where.get(type(version), '')}:predict"
        self.server = urllib.parse.urlunsplit(url)
        self.url = self.server.rstrip("/") + urllib.parse.quote(path, "/:")
        self.timeout = timeout
        self.session = requests.Session()

    def predict(self, contents):
        """Returns the `Answer` to the contents of image files.

        Raises:
            ServerError: If there is none; of the classes in
                `tfdarts.serving.clients`.
        """
        encoded = [{"b64": base64.b64encode(x).decode()} for x in contents]
        body = {
            "signature_name": SIGNATURE,
            "inputs": {"image_bytes": encoded},
        }
        try:
            response = self.session.post(
                self.url, json=body, timeout=self.timeout
            )
        except requests.Timeout as error:
            raise too_late(self.server, self.timeout) from error
        except requests.RequestException as error:
            raise Unavailable(
                f"{self.server} cannot be reached: is a server there, and is "
                f"it the port of REST? ({_reason(error)})"
            ) from error
        return self._answer(response)

    def _answer(self, response):
        if response.status_code != 200:
            message = plain(_error(response))
            if response.status_code in _LATER:
                raise Unavailable(f"{self.server} cannot answer now: {message}")
            kind = InvalidImage if response.status_code == 400 else ServerError
            raise kind(f"{self.server} refuses: {message}")
        try:
            outputs = response.json()["outputs"]
            return Answer(
                outputs["label"],
                outputs["class_id"],
                np.array(outputs["probabilities"], "float32"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(
                f"{self.server} answers, but not as a model of tfdarts does: "
                f"{response.text[:80]}"
            ) from error


def _error(response):
    try:
        return str(response.json()["error"])
    except (KeyError, TypeError, ValueError):
        return f"{response.status_code} {response.reason}"


def _reason(error):
    """Returns the last words of an error, which say what has happened."""
    while error.__context__ is not None:
        error = error.__context__
    reason = getattr(error, "strerror", None) or str(error)
    return reason if reason.isprintable() else "what answers is no HTTP"
