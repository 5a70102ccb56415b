/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The transports. A new one is one file here and a row in api/context.c.
 */
#ifndef CZ_NET_TRANSPORTS_H
#define CZ_NET_TRANSPORTS_H

#include "core/transport.h"

extern const struct cz_transport cz_inproc_transport;
extern const struct cz_transport cz_ipc_transport;
extern const struct cz_transport cz_sys_transport;
extern const struct cz_transport cz_tcp_transport;
extern const struct cz_transport cz_udp_transport;

#endif
