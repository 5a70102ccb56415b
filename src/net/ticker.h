/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tickers: the far end of a pipe that is connected to sys://stats. Every so
 * often one writes a snapshot into it. Who does not read misses some; the
 * next one says how many.
 *
 * Thread: an I/O thread, with the helm; in a context that has none, that of
 * the socket. Owns: its end of the pipe.
 */
#ifndef CZ_NET_TICKER_H
#define CZ_NET_TICKER_H

#include "base/compiler.h"

#include <stdint.h>

struct cz_io_object;
struct cz_pipe_end;
struct cz_socket;
struct cz_tenant;

/* Made on the socket's thread, for the end of a pipe that nobody owns yet and
 * that is the ticker's from here on; begins after cz_io_object_post_start. One
 * reference is the caller's endpoint's. NULL = no memory. */
struct cz_io_object *cz_ticker_create(struct cz_tenant *tenant,
                                      struct cz_pipe_end *end,
                                      uint64_t interval_us);

/* Begins one on the socket's own thread, which ends with the pipe. 0 or
 * -ENOMEM; then the end is still the caller's. */
CZ_MUST_CHECK int cz_ticker_start_at(struct cz_socket *socket,
                                     struct cz_pipe_end *end,
                                     uint64_t interval_us);

#endif
