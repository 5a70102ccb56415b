/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The error numbers that ZeroMQ adds to errno.h's, with zmq.h's values.
 */
#ifndef CZ_CORE_ERROR_H
#define CZ_CORE_ERROR_H

enum {
    CZ_EFSM = 156384763,           /* not in this state of the socket */
    CZ_ENOCOMPATPROTO = 156384764, /* not with this type of socket */
    CZ_ETERM = 156384765,          /* the context was terminated */
    CZ_EMTHREAD = 156384766,       /* no I/O thread to do it */
};

#endif
