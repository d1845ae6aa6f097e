"""What each program of the cluster is started with. Pure: a run directory in, command lines and files out."""
import json

BRIDGE = "10.85.0.1"
CONFIDENTIAL_LABEL = "cloud.google.com/gke-confidential-nodes-instance-type"
CONFIDENTIAL_CAPACITY = {"google.com/cc": "64"}


class Node:
    """One kubelet with its containerd. Confidential ones are those whose names start with cc-."""

    def __init__(self, run, index, name):
        self.name, self.index = name, index
        self.confidential = name.startswith("cc-")
        self.directory = run / name
        self.socket = self.directory / "containerd.sock"
        self.port, self.health_port = 10250 + 10 * index, 10248 + 10 * index
        self.cgroup = f"/cloister-{run.name}/{name}"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def control_plane(run, first_node):
    """Name -> command line of what runs once for the whole cluster, in the order of starting."""
    pki = run / "pki"
    audit = write(run / "audit-policy.json", {
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [{"level": "None", "users": ["system:kube-scheduler", "system:kube-controller-manager", "system:apiserver"]},
                  {"level": "None", "userGroups": ["system:nodes"]}, {"level": "Metadata"}]})
    proxy = write(run / "kube-proxy.json", {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
        "clientConnection": {"kubeconfig": str(pki / "kube-proxy.conf")}, "clusterCIDR": "10.85.0.0/16",
        "hostnameOverride": first_node, "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": None, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}})
    corefile = write(run / "Corefile", f""".:53 {{
    errors
    ready 127.0.0.1:8181
    kubernetes cluster.local {{
        kubeconfig {pki / 'inside.conf'}
        pods insecure
        ttl 1
    }}
}}
""")

    def auth(part):
        return [f"--{flag}={pki / part}.conf" for flag in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")]
    return {
        "etcd": ["etcd", f"--data-dir={run / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
                 "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
                 "--listen-peer-urls=http://127.0.0.1:2380"],
        "kube-apiserver": [
            "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443", "--bind-address=0.0.0.0",
            f"--advertise-address={BRIDGE}", "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
            "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", f"--client-ca-file={pki / 'ca.pem'}",
            f"--tls-cert-file={pki / 'server.pem'}", f"--tls-private-key-file={pki / 'server.key'}",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}", "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={pki / 'kubelet-client.pem'}", f"--kubelet-client-key={pki / 'kubelet-client.key'}",
            f"--audit-policy-file={audit}", f"--audit-log-path={run / 'audit.log'}", "--audit-log-maxsize=1000",
            "--profiling=false", "--goaway-chance=0.001"],
        "kube-controller-manager": [
            "kube-controller-manager", *auth("kube-controller-manager"), f"--service-account-private-key-file={pki / 'sa.key'}",
            f"--root-ca-file={pki / 'ca.pem'}", "--use-service-account-credentials", "--leader-elect=false",
            "--cluster-cidr=10.85.0.0/16", "--node-monitor-grace-period=20s"],
        "kube-scheduler": ["kube-scheduler", *auth("kube-scheduler"), "--leader-elect=false"],
        "kube-proxy": ["kube-proxy", f"--config={proxy}"],
        "coredns": ["coredns", f"-conf={corefile}"],
    }


def containerd(run, node):
    """The node's containerd; its pods get addresses of a range of their own on the shared bridge."""
    directory = node.directory
    first = f"10.85.{node.index + 1}"
    write(directory / "cni/10-bridge.conflist", {
        "cniVersion": "0.4.0", "name": f"pods-{node.name}",
        "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": False, "hairpinMode": True,
                     "ipam": {"type": "host-local", "dataDir": str(directory / "cni-data"), "routes": [{"dst": "0.0.0.0/0"}],
                              "ranges": [[{"subnet": "10.85.0.0/16", "rangeStart": f"{first}.1", "rangeEnd": f"{first}.250",
                                           "gateway": BRIDGE}]]}}]})
    config = write(directory / "containerd.toml", f"""version = 2
root = "{directory / 'containerd'}"
state = "{directory / 'containerd-state'}"
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local.test/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{directory / 'cni'}"
""")
    return ["containerd", "--config", str(config), "--log-level", "warn"]


def kubelet(run, node, reserve=""):
    """The node's kubelet. The confidential node keeps less for pods, so that a scheduler left alone prefers the other.

    reserve: CPU that is kept from pods, in place of what is usual.
    """
    pki = run / "pki"
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "failSwapOn": False, "failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupRoot": node.cgroup,
        "containerRuntimeEndpoint": f"unix://{node.socket}", "resolvConf": str(run / "resolv.conf"),
        "enforceNodeAllocatable": [], "address": "0.0.0.0", "port": node.port, "healthzPort": node.health_port,
        "clusterDNS": [BRIDGE], "clusterDomain": "cluster.local", "podLogsDir": str(node.directory / "logs"),
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(pki / "ca.pem")}},
        "authorization": {"mode": "Webhook"},
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100, "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s",
        # What the tests kill comes back soon, however often they do it.
        "featureGates": {"KubeletCrashLoopBackOffMax": True}, "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "memorySwap": {}, "serializeImagePulls": False, "maxPods": 200}
    if node.confidential:
        config["registerWithTaints"] = [{"key": "cloister.dev/confidential", "value": "true", "effect": "NoSchedule"}]
        config["systemReserved"] = {"cpu": "100m", "memory": "6Gi"}
    if reserve:
        config.setdefault("systemReserved", {})["cpu"] = reserve
    path = write(node.directory / "kubelet.json", config)
    return ["kubelet", f"--config={path}", f"--kubeconfig={pki / ('node-' + node.name)}.conf", f"--hostname-override={node.name}",
            f"--root-dir={node.directory / 'kubelet'}", f"--cert-dir={node.directory / 'kubelet-pki'}", f"--node-ip={BRIDGE}"]
