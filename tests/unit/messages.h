/*
 * Writes protobuf messages, for the tests of what reads them.
 */
#ifndef TESTS_UNIT_MESSAGES_H
#define TESTS_UNIT_MESSAGES_H

#include "base/strbuf.h"

void put_varint(struct strbuf *to, uint64_t value);
void put_number(struct strbuf *to, uint32_t field, uint64_t value);
void put_text(struct strbuf *to, uint32_t field, const char *text);
/* Takes the part, which is empty then. */
void put_part(struct strbuf *to, uint32_t field, struct strbuf *part);
/* The envelope of an object, around the message; takes it. */
void put_envelope(struct strbuf *to, const char *kind, struct strbuf *message);
/* An event of a watch, behind its length; takes the envelope. */
void put_event(struct strbuf *to, const char *type, struct strbuf *envelope);

#endif
