/*
 * Every label, annotation, taint and fixed name that Cloister reads or writes.
 * One place, so that the chart, the documentation and the code can be compared.
 */
#ifndef API_LABELS_H
#define API_LABELS_H

#define API_GROUP    "cloister.dev"
#define API_VERSION  "v1alpha1"
#define JOB_KIND     "TrainingJob"
#define JOB_PLURAL   "trainingjobs"
#define JOB_API_PATH "/apis/cloister.dev/v1alpha1"

/* The name of this operator in spec.managedBy. */
#define JOB_CONTROLLER API_GROUP "/operator"

/* On every child. */
#define LABEL_MANAGED_BY       "app.kubernetes.io/managed-by"
#define LABEL_MANAGED_BY_VALUE "cloister"
#define LABEL_JOB_NAME         "cloister.dev/job-name"
#define LABEL_JOB_UID          "cloister.dev/job-uid"
/* On pods. */
#define LABEL_ATTEMPT "cloister.dev/attempt"
#define LABEL_INDEX   "cloister.dev/index"
/* On pods and NetworkPolicies: the fingerprint (core/model/fingerprint.h) of what the operator wrote. */
#define ANNOTATION_FINGERPRINT "cloister.dev/fingerprint"
/* For `kubectl logs` and `kubectl exec` without -c. */
#define ANNOTATION_DEFAULT_CONTAINER "kubectl.kubernetes.io/default-container"
/* Selects all children in list and watch. */
#define CHILD_SELECTOR LABEL_MANAGED_BY "=" LABEL_MANAGED_BY_VALUE

/* On a namespace: jobs may run here, and the admission policies apply. */
#define LABEL_CONFIDENTIAL_NAMESPACE "cloister.dev/confidential"
#define CONFIDENTIAL_VALUE           "true"

/* On a node, set by GKE: the kind of memory encryption that is on. */
#define LABEL_NODE_TECHNOLOGY "cloud.google.com/gke-confidential-nodes-instance-type"

/* On Spot VMs ("true"), and the ComputeClass that created the node; also keys of taints. */
#define LABEL_NODE_SPOT          "cloud.google.com/gke-spot"
#define LABEL_NODE_COMPUTE_CLASS "cloud.google.com/compute-class"
/* A resource, and the key of the taint on nodes that have it. */
#define RESOURCE_GPU "nvidia.com/gpu"

/* Kueue's plain pod groups. Such labels and annotations of a TrainingJob are copied to its pods. */
#define KUEUE_PREFIX                 "kueue.x-k8s.io/"
#define LABEL_QUEUE                  KUEUE_PREFIX "queue-name"
#define LABEL_GROUP                  KUEUE_PREFIX "pod-group-name"
#define LABEL_GROUP_INDEX            KUEUE_PREFIX "pod-group-pod-index"
#define ANNOTATION_GROUP_TOTAL       KUEUE_PREFIX "pod-group-total-count"
#define ANNOTATION_GROUP_IS_RETRIED  KUEUE_PREFIX "retriable-in-group"
#define ANNOTATION_GROUP_NOT_RETRIED "false"

#define CONTAINER_INSTALL "cloister-install"
#define CONTAINER_AGENT   "cloister-agent"
#define CONTAINER_TRAINER "trainer"

/* Of the operator's pods: agents post their reports there. */
#define PORT_REPORTS 9443
/* Audience of the token that authenticates an agent's reports; the API server does not accept it. */
#define REPORTS_AUDIENCE API_GROUP "/reports"

#endif
