"""A device plugin as GPU vendors ship them: it offers one healthy device of a resource to the kubelet, until it is killed.

    device_plugin.py RESOURCE     inside the cluster's namespaces, for the kubelet that was started last

A kubelet that starts removes every socket of the folder and then makes its own. So the plugin registers until a kubelet
takes it, and begins anew when its own socket is gone. The API is kubelet's device plugin v1beta1; its messages are so few
and small that they are written here as bytes.
"""
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

FOLDER = Path("/var/lib/kubelet/device-plugins")
PAUSE_SECONDS = 0.2


def text(number, value):
    """A field of type string, or a message that is bytes already."""
    data = value if isinstance(value, bytes) else value.encode()
    return bytes([number << 3 | 2, len(data)]) + data


def list_and_watch(_, context):
    yield text(1, text(1, "device-0") + text(2, "Healthy"))
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait()


def unary(answer):
    return grpc.unary_unary_rpc_method_handler(lambda _, __: answer)


def serve(endpoint):
    endpoint.unlink(missing_ok=True)
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("v1beta1.DevicePlugin", {
        "GetDevicePluginOptions": unary(b""), "Allocate": unary(text(1, b"")),
        "ListAndWatch": grpc.unary_stream_rpc_method_handler(list_and_watch)})])
    server.add_insecure_port(f"unix://{endpoint}")
    server.start()
    return server


def is_registered(endpoint, resource):
    with grpc.insecure_channel(f"unix://{FOLDER / 'kubelet.sock'}") as channel:
        try:
            channel.unary_unary("/v1beta1.Registration/Register")(
                text(1, "v1beta1") + text(2, endpoint.name) + text(3, resource), timeout=10)
            return True
        except grpc.RpcError:
            return False  # no kubelet listens there yet


def main(resource):
    endpoint = FOLDER / f"test-{resource.replace('/', '-')}.sock"
    while True:
        server = serve(endpoint)
        while endpoint.exists() and not is_registered(endpoint, resource):
            time.sleep(PAUSE_SECONDS)
        while endpoint.exists():
            time.sleep(PAUSE_SECONDS)
        server.stop(None)


main(sys.argv[1])
