"""What a NetworkPolicy allows, read as networking.k8s.io/v1 defines it: the test network enforces none."""
import ipaddress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pod:
    namespace: str
    labels: dict = field(default_factory=dict)
    namespace_labels: dict = field(default_factory=dict)

    @classmethod
    def of(cls, pod, namespace):
        """From what the API server has."""
        return cls(namespace["metadata"]["name"], pod["metadata"]["labels"], namespace["metadata"]["labels"])


def _is_selected(selector, labels):
    assert set(selector) <= {"matchLabels", "matchExpressions"}, selector
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In", rule
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def _is_peer(peer, policy, other):
    """A pod is never matched by a range, whatever its address."""
    if isinstance(other, str):
        block, address = peer.get("ipBlock"), ipaddress.ip_address(other)
        return block is not None and address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(one) for one in block.get("except", []))
    if "ipBlock" in peer:
        return False
    if "namespaceSelector" not in peer:
        is_there = other.namespace == policy["metadata"]["namespace"]
    else:
        is_there = _is_selected(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace, **other.namespace_labels})
    return is_there and _is_selected(peer.get("podSelector", {}), other.labels)


def selects(policy, pod):
    return pod.namespace == policy["metadata"]["namespace"] and _is_selected(policy["spec"]["podSelector"], pod.labels)


def allows(policy, direction, other, protocol, port):
    """direction: "from" or "to" the pods of the policy; other: a Pod, or the address of what is none."""
    kind = {"from": "Ingress", "to": "Egress"}[direction]
    if kind not in policy["spec"]["policyTypes"]:
        return True
    return any((not rule.get(direction) or any(_is_peer(peer, policy, other) for peer in rule[direction])) and
               (not rule.get("ports") or {"protocol": protocol, "port": port} in [{"protocol": "TCP", **p} for p in rule["ports"]])
               for rule in policy["spec"].get(kind.lower()) or [])
