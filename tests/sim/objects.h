/*
 * Objects of the model as the real informers get and keep them. What is pointed to lives
 * until objects_forget(); facts in a store are the store's.
 */
#ifndef TESTS_SIM_OBJECTS_H
#define TESTS_SIM_OBJECTS_H

#include "base/strbuf.h"
#include "shell/cache/caches.h"
#include "sim.h"

#define NAMESPACE "ml"
#define JOB_NAME  "digits"

/* What the stores hold: the real facts, and which object of the model they are of. */
struct seen_job {
    struct cached_job cached;
    uint32_t number;
    char version[12];
};
struct seen_pod {
    struct pod_facts facts;
    struct pod pod;
};
struct seen_service {
    struct child_facts facts;
    struct service service;
};
struct seen_policy {
    struct child_facts facts;
    struct policy policy;
};

extern const struct config sim_config;
const char *node_name(size_t node);

/* The object as it stands in a list or an event. */
void wire_job(struct strbuf *to, const struct simjob *j);
void wire_pod(struct strbuf *to, const struct pod *p);
void wire_service(struct strbuf *to, const struct service *s);
void wire_policy(struct strbuf *to, const struct policy *p, size_t job);
void wire_node(struct strbuf *to, const struct simnode *node, size_t i);
void wire_namespace(struct strbuf *to);

/* The job as job_decode() read it; its resourceVersion is not that of the cached one. */
const struct job *object_job(const struct cached_job *cached);
/* The pod as pod_facts_new() reduced it. */
const struct pod_facts *object_pod(const struct pod *p);
struct simjob seen_simjob(const struct cached_job *cached);

#endif
