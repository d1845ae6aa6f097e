"""The chart as `helm template` renders it."""
import json

import yaml

from kit.cluster import ROOT, run

DIGEST = "sha256:" + "0" * 64
IMAGES = {"image": {"repository": "registry.example/operator", "digest": DIGEST},
          "workerImage": {"repository": "registry.example/worker", "digest": DIGEST}}


def helm_template(values, env, check=True, namespace="cloister-system"):
    return run("helm", "template", "cloister", ROOT / "charts/cloister", "-n", namespace, "-f", "-", stdin=json.dumps({**IMAGES, **values}),
               env=env, check=check)


def rendered(values, env, **options):
    """{(kind, name): object} of the release "cloister"."""
    objects = yaml.safe_load_all(helm_template(values, env, **options).stdout)
    return {(o["kind"], o["metadata"]["name"]): o for o in objects if o}
