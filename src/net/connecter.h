/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connecters: dial for a session, again and again, with back-off and jitter
 * (wire.md 9). Names are resolved anew at every attempt, on a thread of their
 * own.
 *
 *      idle ──▶ resolving ──▶ dialling ──▶ connected: the session's turn
 *        ▲          │             │   ╲      ╱
 *        └── wait ◀─┴─────────────┴── proxy asked
 *
 * Thread: with the helm. Owns: the descriptor while it dials.
 */
#ifndef CZ_NET_CONNECTER_H
#define CZ_NET_CONNECTER_H

#include "base/compiler.h"

#include <stdbool.h>

struct cz_connecter;
struct cz_session;

/* NULL = no memory. */
struct cz_connecter *cz_connecter_create(struct cz_session *session,
                                         const char *address);
void cz_connecter_destroy(struct cz_connecter *connecter);

/* Dials now. */
void cz_connecter_start(struct cz_connecter *connecter);

/* Dials after the reconnect interval. A connection existed before, so the
 * back-off begins afresh. False: reconnecting is switched off. */
CZ_MUST_CHECK bool cz_connecter_retry(struct cz_connecter *connecter);

/* Gives up whatever it is doing. */
void cz_connecter_stop(struct cz_connecter *connecter);

#endif
