/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PUB (RFC 29): an XPUB whose application is told nothing.
 *
 * Thread: the socket's.
 */
#include "type/types.h"
#include "type/xpub.h"
#include "wire/socket_type.h"

static void pub_init(struct cz_socket *s)
{
    cz_xpub_init(s);
    cz_xpub_of(s)->is_pub = true;
}

static int pub_recv(struct cz_socket *s, struct cz_frame *frame)
{
    (void)s;
    (void)frame;
    return -ENOTSUP;
}

static unsigned pub_events(struct cz_socket *s)
{
    (void)s;
    return CZ_POLLED_OUT;
}

const struct cz_socket_ops cz_pub_ops = {
    .name = "PUB",
    .type = CZ_SOCKET_PUB,
    .size = sizeof(struct cz_xpub),
    .connects_once = true,
    .init = pub_init,
    .fini = cz_xpub_fini,
    .connecting = cz_xpub_connecting,
    .attach = cz_xpub_attach,
    .peer_closed = cz_xpub_peer_closed,
    .detach = cz_xpub_detach,
    .introduced = cz_xpub_introduced,
    .readable = cz_xpub_readable,
    .writable = cz_xpub_writable,
    .send = cz_xpub_send,
    .recv = pub_recv,
    .events = pub_events,
    .set_option = cz_xpub_set_option,
    .get_option = cz_xpub_get_option,
};
