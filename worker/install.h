/*
 * cloister-install: copies cloister-exec into the pod's memory volume, from where
 * the trainer's container runs it, whatever its image contains.
 */
#ifndef WORKER_INSTALL_H
#define WORKER_INSTALL_H

#include "base/attr.h"
#include "base/err.h"

/* Copies from (an executable) to the path `to`, atomically, mode 0755. */
int install_exec(const char *from, const char *to, struct err *e) MUST_CHECK;

#endif
