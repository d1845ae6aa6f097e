"""A device plugin as GPU vendors ship them: it offers one healthy device of a resource to the kubelet, until it is killed.

    device_plugin.py RESOURCE     inside the cluster's namespaces, for the kubelet that was started last

The API is kubelet's device plugin v1beta1; its messages are so few and small that they are written here as bytes.
"""
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

FOLDER = Path("/var/lib/kubelet/device-plugins")


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


def main(resource):
    endpoint = f"test-{resource.replace('/', '-')}.sock"
    (FOLDER / endpoint).unlink(missing_ok=True)
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("v1beta1.DevicePlugin", {
        "GetDevicePluginOptions": unary(b""), "Allocate": unary(text(1, b"")),
        "ListAndWatch": grpc.unary_stream_rpc_method_handler(list_and_watch)})])
    server.add_insecure_port(f"unix://{FOLDER / endpoint}")
    server.start()
    with grpc.insecure_channel(f"unix://{FOLDER / 'kubelet.sock'}") as channel:
        channel.unary_unary("/v1beta1.Registration/Register")(text(1, "v1beta1") + text(2, endpoint) + text(3, resource), timeout=10)
    print("registered", flush=True)
    server.wait_for_termination()


main(sys.argv[1])
