/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The options of PLAIN, CURVE, GSSAPI and ZAP: what is set is read back, which
 * mechanism and role the last of them chooses, and that a socket is never more
 * open than it was told to be.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/socket.h"

#include <errno.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* Of the draft interface. */
#endif

static const unsigned char key[32] = {
    0x54, 0xfc, 0xba, 0x24, 0xe9, 0x32, 0x49, 0x96, 0x93, 0x16, 0xfb,
    0x61, 0x7c, 0x87, 0x2b, 0xb0, 0xc1, 0xd1, 0xff, 0x14, 0x80, 0x04,
    0x27, 0xc5, 0x94, 0xcb, 0xfa, 0xcf, 0x1b, 0xc2, 0xd6, 0x52};
static const char key_text[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

/* What can be set, and what then holds. */
enum role { KEEPS, CLIENT, SERVER };

struct choice {
    int option;
    const void *value;
    size_t size;
    int mechanism; /* -1 = as before */
    enum role role;
};

static const int off = 0;
static const int on = 1;

static const struct choice choices[] = {
    {ZMQ_PLAIN_SERVER, &on, 4, ZMQ_PLAIN, SERVER},
    {ZMQ_PLAIN_SERVER, &off, 4, ZMQ_NULL, CLIENT},
    {ZMQ_PLAIN_USERNAME, "name", 4, ZMQ_PLAIN, CLIENT},
    {ZMQ_PLAIN_USERNAME, NULL, 0, ZMQ_NULL, KEEPS},
    {ZMQ_PLAIN_PASSWORD, "word", 4, ZMQ_PLAIN, CLIENT},
    {ZMQ_PLAIN_PASSWORD, NULL, 0, ZMQ_NULL, KEEPS},
    {ZMQ_CURVE_SERVER, &on, 4, ZMQ_CURVE, SERVER},
    {ZMQ_CURVE_SERVER, &off, 4, ZMQ_NULL, CLIENT},
    {ZMQ_CURVE_PUBLICKEY, key, 32, ZMQ_CURVE, KEEPS},
    {ZMQ_CURVE_SECRETKEY, key, 32, ZMQ_CURVE, KEEPS},
    {ZMQ_CURVE_SERVERKEY, key, 32, ZMQ_CURVE, CLIENT},
    {ZMQ_GSSAPI_SERVER, &on, 4, ZMQ_GSSAPI, SERVER},
    {ZMQ_GSSAPI_SERVER, &off, 4, ZMQ_GSSAPI, CLIENT},
    {ZMQ_GSSAPI_PRINCIPAL, "me", 2, ZMQ_GSSAPI, KEEPS},
    {ZMQ_GSSAPI_SERVICE_PRINCIPAL, "it", 2, ZMQ_GSSAPI, CLIENT},
    {ZMQ_GSSAPI_PLAINTEXT, &on, 4, -1, KEEPS},
    {ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, &on, 4, -1, KEEPS},
    {ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, &on, 4, -1, KEEPS},
    {ZMQ_ZAP_DOMAIN, "global", 6, -1, KEEPS},
    {ZMQ_ZAP_ENFORCE_DOMAIN, &on, 4, -1, KEEPS},
};

enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

/* libzmq may be built without. */
static bool is_built(int option)
{
    bool is_gssapi =
        (option >= ZMQ_GSSAPI_SERVER && option <= ZMQ_GSSAPI_PLAINTEXT) ||
        option == ZMQ_GSSAPI_PRINCIPAL_NAMETYPE ||
        option == ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE;
    bool is_curve = option >= ZMQ_CURVE_SERVER && option <= ZMQ_CURVE_SERVERKEY;

    return is_ceromq() || ((!is_gssapi || zmq_has("gssapi")) &&
                           (!is_curve || zmq_has("curve")));
}

static void choose(void *socket, const struct choice *choice, int *mechanism,
                   bool *is_server)
{
    assert_ok(
        zmq_setsockopt(socket, choice->option, choice->value, choice->size));
    if (choice->mechanism >= 0)
        *mechanism = choice->mechanism;
    if (choice->role != KEEPS)
        *is_server = choice->role == SERVER;
}

static void the_last_option_chooses_mechanism_and_role(void **state)
{
    struct env *env = *state;

    for (int i = 0; i < CHOICES * CHOICES; i++) {
        const struct choice *first = &choices[i / CHOICES];
        const struct choice *second = &choices[i % CHOICES];
        int mechanism = ZMQ_NULL;
        bool is_server = false;
        void *socket;

        if (!is_built(first->option) || !is_built(second->option))
            continue;
        socket = env_plain_socket(env, ZMQ_PULL);
        choose(socket, first, &mechanism, &is_server);
        choose(socket, second, &mechanism, &is_server);
        assert_int_equal(get_int(socket, ZMQ_MECHANISM), mechanism);
        assert_int_equal(get_int(socket, ZMQ_PLAIN_SERVER),
                         is_server && mechanism == ZMQ_PLAIN);
        if (is_built(ZMQ_CURVE_SERVER))
            assert_int_equal(get_int(socket, ZMQ_CURVE_SERVER),
                             is_server && mechanism == ZMQ_CURVE);
        if (is_built(ZMQ_GSSAPI_SERVER))
            assert_int_equal(get_int(socket, ZMQ_GSSAPI_SERVER),
                             is_server && mechanism == ZMQ_GSSAPI);
        env_close_socket(env, socket);
        env->socket_count--; /* There are more than it has room for. */
    }
}

static void expect_text_option(void *socket, int option, const char *expected)
{
    char text[256];
    size_t size = sizeof(text);

    assert_ok(zmq_getsockopt(socket, option, text, &size));
    assert_int_equal(size, strlen(expected) + 1);
    assert_string_equal(text, expected);
    size = strlen(expected);
    assert_fails(zmq_getsockopt(socket, option, text, &size), EINVAL);
}

static void names_are_kept(void **state)
{
    static const int options[] = {ZMQ_PLAIN_USERNAME, ZMQ_PLAIN_PASSWORD,
                                  ZMQ_ZAP_DOMAIN, ZMQ_GSSAPI_PRINCIPAL,
                                  ZMQ_GSSAPI_SERVICE_PRINCIPAL};
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_DEALER);
    char longest[257];

    memset(longest, 'n', sizeof(longest));
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int option = options[i];

        if (!is_built(option))
            continue;
        expect_text_option(socket, option, "");
        assert_ok(zmq_setsockopt(socket, option, "first", 5));
        expect_text_option(socket, option, "first");
        assert_fails(zmq_setsockopt(socket, option, longest, 256), EINVAL);
        assert_fails(zmq_setsockopt(socket, option, "", 0), EINVAL);
        expect_text_option(socket, option, "first");
        assert_ok(zmq_setsockopt(socket, option, longest, 255));
        assert_ok(zmq_setsockopt(socket, option, "second", 6));
    }
    /* None of them has taken another's place. */
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (is_built(options[i]))
            expect_text_option(socket, options[i], "second");
}

static void keys_are_32_bytes_or_z85(void **state)
{
    static const int options[] = {ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY,
                                  ZMQ_CURVE_SERVERKEY};
    static const unsigned char unset[32];
    struct env *env = *state;
    void *socket = env_socket(env, ZMQ_DEALER);
    unsigned char got[64];
    size_t size;

    if (!is_built(ZMQ_CURVE_SERVERKEY))
        skip();
    for (size_t i = 0; i < 3; i++) {
        size = 32;
        assert_ok(zmq_getsockopt(socket, options[i], got, &size));
        assert_memory_equal(got, unset, 32);
        /* With and without the NUL. */
        for (size_t text_size = 40; text_size <= 41; text_size++) {
            assert_ok(zmq_setsockopt(socket, options[i], unset, 32));
            assert_ok(zmq_setsockopt(socket, options[i], key_text, text_size));
            size = 32;
            assert_ok(zmq_getsockopt(socket, options[i], got, &size));
            assert_memory_equal(got, key, 32);
        }
        size = 41;
        assert_ok(zmq_getsockopt(socket, options[i], got, &size));
        assert_string_equal((char *)got, key_text);
        size = 40;
        assert_fails(zmq_getsockopt(socket, options[i], got, &size), EINVAL);
        assert_fails(zmq_setsockopt(socket, options[i], key, 31), EINVAL);
        assert_fails(zmq_setsockopt(socket, options[i],
                                    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~",
                                    40),
                     EINVAL);
        assert_fails(zmq_setsockopt(socket, options[i], NULL, 0), EINVAL);
    }
}

static void nobody_gets_less_security_than_was_asked_for(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];

    if (!is_ceromq())
        skip(); /* Has them. */
    for (int i = 0; i < CHOICES; i++) {
        int mechanism = ZMQ_NULL;
        bool is_server = false;
        void *socket = env_socket(env, ZMQ_DEALER);

        choose(socket, &choices[i], &mechanism, &is_server);
        if (mechanism == ZMQ_NULL && choices[i].option != ZMQ_ZAP_DOMAIN)
            continue;
        env_free_endpoint(env, endpoint);
        assert_fails(zmq_bind(socket, endpoint), ENOTSUP);
        assert_fails(zmq_connect(socket, endpoint), ENOTSUP);
        /* Nothing was left behind. */
        assert_fails(zmq_disconnect(socket, endpoint), ENOENT);
        assert_ok(zmq_bind(env_socket(env, ZMQ_DEALER), endpoint));
    }
}

static void a_socket_that_was_bound_before_is_as_it_was(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    env_bind(env, pull, endpoint);
    assert_ok(zmq_setsockopt(pull, ZMQ_PLAIN_USERNAME, "name", 4));
    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "hello", 0);
    expect_text(pull, "hello");
}

static void within_a_process_there_is_no_security(void **state)
{
    struct env *env = *state;
    void *pull = env_socket(env, ZMQ_PULL);
    void *push = env_socket(env, ZMQ_PUSH);

    set_int(pull, ZMQ_PLAIN_SERVER, 1);
    assert_ok(zmq_setsockopt(push, ZMQ_PLAIN_USERNAME, "name", 4));
    env_link(env, pull, push);
    send_text(push, "hello", 0);
    expect_text(pull, "hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(inproc, the_last_option_chooses_mechanism_and_role),
        ON(inproc, names_are_kept),
        ON(inproc, keys_are_32_bytes_or_z85),
        ON_STREAMS(nobody_gets_less_security_than_was_asked_for),
        ON_STREAMS(a_socket_that_was_bound_before_is_as_it_was),
        ON(inproc, within_a_process_there_is_no_security),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
