/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The NULL mechanism (wire.md 5.1): each side sends READY without waiting
 * for the other's, and is ready once it has both sent and received one.
 *
 *     event \ READYs        none       sent       received
 *     our READY taken       sent       -          ready
 *     READY comes           received   ready      failed
 *     ERROR comes           failed     failed     failed
 *     anything else comes   failed     failed     failed
 *
 * Thread: the connection's. Owns: nothing.
 */
#ifndef CZ_WIRE_NULL_HANDSHAKE_H
#define CZ_WIRE_NULL_HANDSHAKE_H

#include "wire/mechanism.h"

struct cz_null_handshake {
    struct cz_mechanism base;
    struct cz_mechanism_config config;
    bool has_sent_ready;
    bool has_received_ready;
};

extern const struct cz_mechanism_ops cz_null_mechanism_ops;

#endif
