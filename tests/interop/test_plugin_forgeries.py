"""kubectl cloister fetch takes nothing but what the job has published, byte for byte."""
import base64
import hashlib
import os

import pytest

from kit.cloud import BUCKET
from kit.output import FILES

pytestmark = pytest.mark.timeout(120)


def other_digest(published):
    published.job["status"]["output"]["manifestSHA256"] = hashlib.sha256(b"other").hexdigest()
    return "is not the manifest that was committed"


def no_digest(published):
    del published.job["status"]["output"]["manifestSHA256"]
    return "is not the manifest that was committed"


def flipped_manifest(published):
    published.flip("manifest")
    return "manifest was changed after it was encrypted"


def flipped_file(published):
    published.flip("data/digits.model")
    return "data/digits.model was changed after it was encrypted"


def cut_file(published):
    name = f"{published.folder}/data/digits.model"
    published.cloud.api.put_object(BUCKET, name, published.cloud.api.object_bytes(BUCKET, name)[:1 << 20])
    return "has 1048576 bytes"


def missing_file(published):
    published.cloud.api.delete_object(BUCKET, f"{published.folder}/data/eval/empty")
    return "data/eval/empty"


def older_file_of_the_same_key(published):
    """Encrypted anew under the same name and key: authentic, but not what the manifest pins."""
    published.put_file("digits.model", os.urandom(len(FILES["digits.model"])))
    return "data/digits.model"


def another_keyset(published):
    key = published.job["spec"]["keys"][0]
    key["wrappedKeyset"] = base64.b64encode(base64.b64decode(key["wrappedKeyset"])[::-1]).decode()
    return "wrappedKeyset"


def software_key_where_hsm_is_asked_for(published):
    published.job["spec"]["confidential"]["requireHSM"] = True
    return "protection level SOFTWARE"


@pytest.mark.parametrize("harm", [other_digest, no_digest, flipped_manifest, flipped_file, cut_file, missing_file,
                                  older_file_of_the_same_key, another_keyset, software_key_where_hsm_is_asked_for],
                         ids=lambda h: h.__name__)
def test_what_is_not_the_output_is_refused_whole(fetching, harm):
    expected = harm(fetching.publish())
    assert expected in fetching.refused()


@pytest.mark.parametrize("changes", [{"jobUID": "another"}, {"kind": "checkpoint"}, {"id": "0" * 32}], ids=lambda c: next(iter(c)))
def test_a_manifest_of_something_else_is_refused(fetching, changes):
    fetching.publish({"m": b"x"}, **changes)
    assert "is not the output of this job" in (words := fetching.refused()) or "id of another manifest" in words


def test_paths_that_lead_outside_are_refused(fetching, plugin):
    fetching.publish({"../evil": b"x"})
    assert "the manifest is damaged" in fetching.refused()
    assert not (plugin.home.parent / "evil").exists()
