"""The cluster's certificates and kubeconfig files, made with openssl."""
import base64
import json
import subprocess

SERVICE_NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc.cluster.local"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """One certificate authority for everything; its files live in `directory`."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=cloister-test-ca", "-keyout", directory / "ca.key", "-out", self.certificate)

    def issue(self, name, subject, san=""):
        """A key and a certificate signed by this authority; returns their paths."""
        key, certificate = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        extra = ["-addext", f"subjectAltName={san}"] if san else []
        openssl("req", "-x509", "-CA", self.certificate, "-CAkey", self.directory / "ca.key", "-newkey", "ec",
                "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", subject,
                "-addext", "basicConstraints=critical,CA:FALSE", *extra, "-keyout", key, "-out", certificate)
        return key, certificate

    def kubeconfig(self, path, subject, server):
        """A kubeconfig file with its own client certificate inside."""
        key, certificate = self.issue(path.stem, subject)

        def data(file):
            return base64.b64encode(file.read_bytes()).decode()
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": data(self.certificate)}}],
            "users": [{"name": "u", "user": {"client-certificate-data": data(certificate), "client-key-data": data(key)}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        path.chmod(0o600)


def make(directory, host_address, nodes):
    """All files of a cluster: server certificate, service-account keys, one kubeconfig for each part and for the user."""
    authority = Authority(directory)
    names = [f"DNS:{n}" for n in SERVICE_NAMES] + [f"IP:{a}" for a in ("127.0.0.1", "10.96.0.1", "10.85.0.1", host_address)]
    authority.issue("server", "/CN=kube-apiserver", ",".join(names))
    authority.issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    openssl("genrsa", "-out", directory / "sa.key", "2048")
    openssl("rsa", "-in", directory / "sa.key", "-pubout", "-out", directory / "sa.pub")
    local = "https://127.0.0.1:6443"
    authority.kubeconfig(directory / "admin.conf", "/O=system:masters/CN=admin", f"https://{host_address}:6443")
    authority.kubeconfig(directory / "inside.conf", "/O=system:masters/CN=admin", local)
    for part in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        authority.kubeconfig(directory / f"{part}.conf", f"/CN=system:{part}", local)
    for node in nodes:
        authority.kubeconfig(directory / f"node-{node}.conf", f"/O=system:nodes/CN=system:node:{node}", local)
