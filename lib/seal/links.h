/*
 * The symbolic links of a manifest, made below a directory. They come after the files: nothing is ever
 * written through a link.
 */
#ifndef SEAL_LINKS_H
#define SEAL_LINKS_H

#include "seal/manifest.h"

/* mode: of directories that are missing. Fails when a link would have to be made below another link. */
int manifest_make_links(const struct manifest *m, const char *directory, unsigned mode,
                        struct err *e) MUST_CHECK;

#endif
