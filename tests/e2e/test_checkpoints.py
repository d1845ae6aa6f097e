"""Checkpoints on a cluster: the way back from one that the program cannot load."""
from kit.cloister import image, published, training_job

LOADS_ALL_BUT_THE_SECOND = """
    cd /cloister/checkpoints
    if [ -e ../restore/step-2 ]; then echo 'step-2 cannot be loaded'; exit 1; fi
    if [ -e ../restore/step-1 ]; then echo "goes on from $(cat ../restore/step-1)"; exit 0; fi
    echo one > .step-1.tmp; mv .step-1.tmp step-1
    sleep 5
    echo garbage > .step-2.tmp; mv .step-2.tmp step-2
    exit 1"""


def test_a_checkpoint_that_cannot_be_loaded_is_passed_over(site, namespace, digits):
    key = digits["keys"][0]["name"]
    site.cluster.apply(training_job("stuck", namespace, image("toolbox"), ["/bin/sh", "-c", LOADS_ALL_BUT_THE_SECOND], keys=digits["keys"],
                                    checkpoints=published(namespace, key)["checkpoints"], failurePolicy={"maxRestarts": 4, "backoffSeconds": 1}))
    status = site.wait_phase("stuck", namespace, "Succeeded", timeout=240)
    checkpoint = status["checkpoint"]
    assert (status["attempt"], checkpoint["latest"], checkpoint["attempt"]) == (4, "step-2", 1)
    assert checkpoint["passedOver"] == {"name": "step-2", "attempt": 1, "sequence": 2, "untilAttempt": 4}
    assert checkpoint["restored"] == {"name": "step-1", "attempt": 1, "sequence": 1, "byAttempt": 4}
    assert site.logs("stuck-worker-0-4", namespace).strip() == "goes on from one"
    notes = "\n".join(e["message"] for e in site.cluster.list("events", namespace))
    assert "Two attempts in a row restored checkpoint step-2 and failed" in notes
    assert "Attempt 4 restored checkpoint step-1 and passed over step-2" in notes
