/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ZMQ_PROBE_ROUTER: each new pipe begins with an empty message, by which a
 * ROUTER learns of the peer before it has anything to say. For the types that
 * have the option.
 *
 * Thread: the socket's. Owns: nothing.
 */
#ifndef CZ_PATTERN_PROBE_H
#define CZ_PATTERN_PROBE_H

#include "base/compiler.h"

#include <stddef.h>

struct cz_pipe_end;
struct cz_socket;

/* For a pipe that has just been attached. */
void cz_probe_attach(struct cz_socket *socket, struct cz_pipe_end *end);

/* 0 or -EINVAL; -ENOENT: it is another option. */
CZ_MUST_CHECK int cz_probe_set_option(struct cz_socket *socket, int number,
                                      const void *value, size_t size);

#endif
