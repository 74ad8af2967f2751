"""A client of TF Serving's gRPC interface."""

import grpc
import tensorflow as tf

from tfdarts.serving.clients import Client
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.serving.clients import foreign_answer_error
from tfdarts.serving.clients import strip_context
from tfdarts.serving.clients import timeout_error
from tfdarts.serving.proxies import describe_proxy
from tfdarts.serving.proxies import grpc_proxy_of
from tfdarts.serving.proxies import is_loopback

_LATER = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


class GrpcClient(Client):
    """Asks a server over gRPC.

    Args:
        url: Parts of the server's URL, from `validate_url`.
        name, version, timeout: See
            `tfdarts.serving.rest_client.RestClient`.

    Raises:
        ImportError: Without `tensorflow-serving-api`, the extra `serving`.

    Reference:

    - [TF Serving's gRPC API](https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis)
    """

    def __init__(self, url, name, version=None, timeout=10.0):
        from tensorflow_serving.apis import predict_pb2
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self.server = self.who = f"{url.scheme}://{url.netloc}"
        self.timeout = timeout
        self.request = predict_pb2.PredictRequest()
        self.request.model_spec.name = name
        if isinstance(version, int):
            self.request.model_spec.version.value = version
        elif version:
            self.request.model_spec.version_label = version
        # The caller limits the size of requests.
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
        ]
        local = is_loopback(url.hostname)
        if local:
            options.append(("grpc.enable_http_proxy", 0))
        self.where = self.server
        if not local:
            self.where += describe_proxy(grpc_proxy_of(url))
        if url.scheme == "grpcs":
            secure = grpc.ssl_channel_credentials()
            channel = grpc.secure_channel(url.netloc, secure, options)
        else:
            channel = grpc.insecure_channel(url.netloc, options)
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.call = service.Predict

    def ask(self, signature, inputs, outputs):
        """See `tfdarts.serving.clients.Client`."""
        request = type(self.request)()
        request.CopyFrom(self.request)
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            shape = getattr(values, "shape", [len(values)])
            tensor = tf.make_tensor_proto(values, shape=shape)
            request.inputs[name].CopyFrom(tensor)
        try:
            response = self.call(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise self._refusal(error) from error
        try:
            return [tf.make_ndarray(response.outputs[n]) for n in outputs]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise foreign_answer_error(self.server) from error

    def _refusal(self, error):
        message = strip_context(error.details() or error.code().name)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return timeout_error(self.where, self.timeout)
        if error.code() in _LATER:
            return Unavailable(
                f"{self.where} cannot be reached or cannot answer now: does a "
                f"server run there, and is this its gRPC port? ({message})"
            )
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidArgument(f"{self.where} refuses: {message}")
        return ServerError(f"{self.where} refuses: {message}")
