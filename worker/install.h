/*
 * cloister-install: puts cloister-exec into the pod's memory volume, where the
 * trainer's container, made from an image we know nothing of, finds it.
 */
#ifndef WORKER_INSTALL_H
#define WORKER_INSTALL_H

#include "base/attr.h"
#include "base/err.h"

/* Copies from (an executable) to the path `to`, atomically, mode 0755. */
int install_exec(const char *from, const char *to, struct err *e) MUST_CHECK;

#endif
