/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Opening, running and ending a proxy.
 *
 * Thread: proxy_run() is the proxy's; the rest is the main thread.
 */
#include "common/proxy.h"

struct proxy proxy_open(struct env *env, int frontend, int front, int backend,
                        int back)
{
    struct proxy proxy = {.env = env};

    env_pair(env, frontend, &proxy.frontend, front, &proxy.front);
    env_pair(env, backend, &proxy.backend, back, &proxy.back);
    return proxy;
}

static int proxy_run(void *arg)
{
    struct proxy *proxy = arg;

    if (proxy->control == NULL)
        return zmq_proxy(proxy->frontend, proxy->backend, proxy->capture);
    return zmq_proxy_steerable(proxy->frontend, proxy->backend, proxy->capture,
                               proxy->control);
}

void proxy_start(struct proxy *proxy)
{
    call_start(&proxy->call, proxy_run, proxy);
}

void proxy_start_steerable(struct proxy *proxy, int control, int controller)
{
    env_pair(proxy->env, control, &proxy->control, controller,
             &proxy->controller);
    proxy_start(proxy);
}

void proxy_wait_idle(struct proxy *proxy)
{
    if (is_ceromq())
        call_wait_blocked(&proxy->call);
}

void proxy_end(struct proxy *proxy)
{
    assert_ok(zmq_ctx_shutdown(proxy->env->ctx));
    assert_int_equal(call_join(&proxy->call), -1);
    assert_int_equal(zmq_errno(), ETERM);
}
