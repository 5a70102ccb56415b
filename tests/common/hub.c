/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One socket with many endpoints.
 *
 * Thread: the main thread of a test.
 */
#include "common/hub.h"

static const struct transport *const transports[] = {
    &transport_tcp,
    &transport_ipc,
    &transport_inproc,
};

void hub_open(struct hub *hub, struct env *env, int io_threads, int type,
              int peer_type, void (*prepare)(void *socket, int number))
{
    const struct transport *own = env->transport;

    assert_ok(zmq_ctx_set(env->ctx, ZMQ_IO_THREADS, io_threads));
    hub->socket = env_socket(env, type);
    if (prepare)
        prepare(hub->socket, -1);
    for (int i = 0; i < HUB_ENDPOINTS; i++) {
        void *peer = hub->peers[i] = env_socket(env, peer_type);

        if (prepare)
            prepare(peer, i);
        env->transport = transports[i % 3];
        if (i < HUB_BOUND) {
            env_bind(env, hub->socket, hub->endpoints[i]);
            assert_ok(zmq_connect(peer, hub->endpoints[i]));
        } else {
            env_bind(env, peer, hub->endpoints[i]);
            assert_ok(zmq_connect(hub->socket, hub->endpoints[i]));
        }
    }
    env->transport = own;
}

void hub_end(struct hub *hub, int number)
{
    if (number < HUB_BOUND)
        assert_ok(zmq_unbind(hub->socket, hub->endpoints[number]));
    else
        assert_ok(zmq_disconnect(hub->socket, hub->endpoints[number]));
}
