/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The socket types. A new one is one file here and a row in api/socket.c.
 */
#ifndef CZ_TYPE_TYPES_H
#define CZ_TYPE_TYPES_H

#include "core/socket.h"

extern const struct cz_socket_ops cz_pair_ops;
extern const struct cz_socket_ops cz_pub_ops;
extern const struct cz_socket_ops cz_sub_ops;
extern const struct cz_socket_ops cz_xpub_ops;
extern const struct cz_socket_ops cz_xsub_ops;
extern const struct cz_socket_ops cz_req_ops;
extern const struct cz_socket_ops cz_rep_ops;
extern const struct cz_socket_ops cz_dealer_ops;
extern const struct cz_socket_ops cz_router_ops;
extern const struct cz_socket_ops cz_pull_ops;
extern const struct cz_socket_ops cz_push_ops;
extern const struct cz_socket_ops cz_stream_ops;

#endif
