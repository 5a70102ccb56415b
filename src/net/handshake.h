/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Handshakes: from a fresh descriptor to an agreed version of ZMTP, an
 * agreed mechanism and a known peer. What is bytes is in src/wire; here is
 * the moving of them.
 *
 * Nothing but this object exists for a peer that has not shown itself to be
 * one, and it holds at most what the largest sensible handshake needs.
 *
 * Thread: with the helm. Owns: the descriptor and its buffers, until it hands
 * them to the session.
 */
#ifndef CZ_NET_HANDSHAKE_H
#define CZ_NET_HANDSHAKE_H

#include "base/compiler.h"

struct cz_handshake;
struct cz_session;

/* 0 or -errno: then the descriptor is still the caller's. */
CZ_MUST_CHECK int cz_handshake_create(struct cz_session *session, int fd,
                                      struct cz_handshake **handshake);

/* Begins; ends, at once or from the reactor, by calling
 * cz_session_on_handshake or _failed. */
void cz_handshake_start(struct cz_handshake *handshake);

/* Closes the descriptor. */
void cz_handshake_destroy(struct cz_handshake *handshake);

int cz_handshake_fd(const struct cz_handshake *handshake);

#endif
