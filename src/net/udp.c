/* SPDX-License-Identifier: MPL-2.0 */
/*
 * udp (zmq_udp(7)) carries RADIO, DISH and DGRAM only, which are not built
 * yet: to all the types that are, it answers as it always will.
 *
 * Thread: the socket's.
 */
#include "core/error.h"
#include "net/transports.h"

static int udp_refuse(struct cz_socket *socket CZ_UNUSED,
                      const char *endpoint CZ_UNUSED,
                      const char *address CZ_UNUSED)
{
    return -CZ_ENOCOMPATPROTO;
}

static int udp_refuse_unbind(struct cz_socket *socket CZ_UNUSED,
                             const char *endpoint CZ_UNUSED)
{
    return -CZ_ENOCOMPATPROTO;
}

const struct cz_transport cz_udp_transport = {
    .scheme = "udp",
    .bind = udp_refuse,
    .connect = udp_refuse,
    .unbind = udp_refuse_unbind,
};
