/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Engines: live connections. An engine pumps bytes from its end of a pipe to
 * the descriptor and back, answers PINGs and sends its own.
 *
 * Thread: with the helm. Owns: the descriptor, and the frame that is half
 * received.
 */
#ifndef CZ_NET_ENGINE_H
#define CZ_NET_ENGINE_H

#include "base/compiler.h"

#include <stdint.h>

struct cz_engine;
struct cz_handshake_result;
struct cz_session;

/* Takes over the contents of the result, on success. 0 or -errno. */
CZ_MUST_CHECK int cz_engine_create(struct cz_session *session,
                                   const struct cz_handshake_result *result,
                                   struct cz_engine **engine);

/* Begins to read and write; may end the engine, and the session with it. */
void cz_engine_start(struct cz_engine *engine);

/* The connection is lost: the last word to the socket, if it wants one. */
void cz_engine_take_leave(struct cz_engine *engine);

/* Closes the descriptor. */
void cz_engine_destroy(struct cz_engine *engine);

/* The pipe has something to be sent. */
void cz_engine_flush(struct cz_engine *engine);

/* The same, but in a moment, at the latest after so long. */
void cz_engine_rest(struct cz_engine *engine, uint32_t rest_us);

/* The pipe has room again for what is received. */
void cz_engine_resume(struct cz_engine *engine);

int cz_engine_fd(const struct cz_engine *engine);

#endif
