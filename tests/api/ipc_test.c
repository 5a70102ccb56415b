/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ipc: files, abstract names and wildcards.
 *
 * Thread: the main thread.
 */
#include "common/env.h"

#include "common/monitor.h"
#include "common/raw.h"
#include "common/socket.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LIMIT 108

static void exchange(struct env *env, void *bound, const char *endpoint)
{
    void *push = env_socket(env, ZMQ_PUSH);

    assert_ok(zmq_connect(push, endpoint));
    send_text(push, "x", 0);
    expect_text(bound, "x");
}

static void bad_paths_are_refused(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *socket = env_socket(env, ZMQ_PULL);

    assert_fails(zmq_bind(socket, "ipc://"), EINVAL);
    assert_fails(zmq_connect(socket, "ipc://"), EINVAL);
    assert_fails(zmq_bind(socket, "ipc://@"), EINVAL);
    assert_fails(zmq_connect(socket, "ipc://@"), EINVAL);
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/none/x", env->directory);
    assert_fails(zmq_bind(socket, endpoint), ENOENT);
    assert_ok(zmq_connect(socket, endpoint));
}

/* A path of exactly `size` bytes. */
static void make_path(struct env *env, char *endpoint, const char *begin,
                      size_t size)
{
    size_t used = (size_t)snprintf(endpoint, ENDPOINT_MAX, "ipc://%s%s", begin,
                                   env->directory);

    assert_true(used < size + 6);
    memset(endpoint + used, '/', 1);
    memset(endpoint + used + 1, 'x', size + 6 - used - 1);
    endpoint[size + 6] = '\0';
}

static void a_path_has_at_most_107_bytes(void **state)
{
    static const char *const begins[] = {"", "@"};
    struct env *env = *state;

    for (size_t i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_MAX];
        void *socket = env_socket(env, ZMQ_PULL);

        make_path(env, endpoint, begins[i], PATH_LIMIT);
        assert_fails(zmq_bind(socket, endpoint), ENAMETOOLONG);
        assert_fails(zmq_connect(socket, endpoint), ENAMETOOLONG);
        make_path(env, endpoint, begins[i], PATH_LIMIT - 1);
        assert_ok(zmq_bind(socket, endpoint));
        exchange(env, socket, endpoint);
    }
}

static void a_relative_path_works(void **state)
{
    struct env *env = *state;
    char here[ENDPOINT_MAX];
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(env->directory), 0);
    assert_ok(zmq_bind(pull, "ipc://relative"));
    last_endpoint(pull, endpoint);
    assert_string_equal(endpoint, "ipc://relative");
    exchange(env, pull, "ipc://relative");
    assert_int_equal(access("relative", F_OK), 0);
    assert_int_equal(chdir(here), 0);
}

static void abstract_names_leave_no_file(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    char last[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);
    void *other = env_socket(env, ZMQ_PULL);

    snprintf(endpoint, sizeof(endpoint), "ipc://@cz-test-%d", (int)getpid());
    assert_ok(zmq_bind(pull, endpoint));
    last_endpoint(pull, last);
    assert_string_equal(last, endpoint);
    assert_int_equal(access(endpoint + 6, F_OK), -1);
    assert_fails(zmq_bind(other, endpoint), EADDRINUSE);
    exchange(env, pull, endpoint);
    close(raw_connect(endpoint));
}

static void a_wildcard_makes_a_path_and_removes_it(void **state)
{
    struct env *env = *state;
    struct stat info;
    char endpoint[ENDPOINT_MAX];
    char path[ENDPOINT_MAX];
    const char *before = getenv("TMPDIR");
    char *old = before != NULL ? strdup(before) : NULL;
    void *pull = env_socket(env, ZMQ_PULL);

    snprintf(path, sizeof(path), "%s/", env->directory);
    assert_int_equal(setenv("TMPDIR", path, 1), 0);
    assert_ok(zmq_bind(pull, "ipc://*"));
    if (old != NULL)
        setenv("TMPDIR", old, 1);
    else
        unsetenv("TMPDIR");
    free(old);
    last_endpoint(pull, endpoint);
    assert_memory_equal(endpoint, "ipc://", 6);
    snprintf(path, sizeof(path), "%s", endpoint + 6);
    assert_memory_equal(path, env->directory, strlen(env->directory));
    assert_null(strstr(path, "//"));
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    exchange(env, pull, endpoint);

    assert_ok(zmq_unbind(pull, endpoint));
    env_end(env);
    assert_int_equal(access(path, F_OK), -1);
    *strrchr(path, '/') = '\0';
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_has_gone_cannot_be_removed(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    struct monitor_event event;
    void *pull = env_socket(env, ZMQ_PULL);
    void *monitor = monitor_open(env, pull, ZMQ_EVENT_ALL);

    setenv("TMPDIR", env->directory, 1);
    assert_ok(zmq_bind(pull, "ipc://*"));
    unsetenv("TMPDIR");
    last_endpoint(pull, endpoint);
    assert_int_equal(unlink(endpoint + strlen("ipc://")), 0);
    assert_ok(zmq_unbind(pull, endpoint));
    event = monitor_wait(monitor, ZMQ_EVENT_CLOSE_FAILED);
    assert_int_equal(event.value, ENOENT);
    assert_string_equal(event.address, endpoint);
}

static void two_wildcards_differ(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *a = env_socket(env, ZMQ_PULL);
    void *b = env_socket(env, ZMQ_PULL);
    char other[ENDPOINT_MAX];

    setenv("TMPDIR", env->directory, 1);
    assert_ok(zmq_bind(a, "ipc://*"));
    assert_ok(zmq_bind(b, "ipc://*"));
    unsetenv("TMPDIR");
    last_endpoint(a, endpoint);
    last_endpoint(b, other);
    assert_string_not_equal(endpoint, other);
}

static void a_path_stays_after_close(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *pull = env_socket(env, ZMQ_PULL);

    env_bind(env, pull, endpoint);
    env_end(env);
    /* Left for the next one to bind, who removes it first. */
    assert_int_equal(access(endpoint + 6, F_OK), 0);
    env->ctx = zmq_ctx_new();
    pull = env_socket(env, ZMQ_PULL);
    assert_ok(zmq_bind(pull, endpoint));
    exchange(env, pull, endpoint);
}

static void a_leftover_file_is_replaced(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    FILE *file;
    void *pull = env_socket(env, ZMQ_PULL);

    env_free_endpoint(env, endpoint);
    file = fopen(endpoint + 6, "w");
    assert_non_null(file);
    fclose(file);
    assert_ok(zmq_bind(pull, endpoint));
    exchange(env, pull, endpoint);
}

static void a_path_in_use_is_taken_over(void **state)
{
    struct env *env = *state;
    char endpoint[ENDPOINT_MAX];
    void *first = env_socket(env, ZMQ_PULL);
    void *second = env_socket(env, ZMQ_PULL);

    env_bind(env, first, endpoint);
    assert_ok(zmq_bind(second, endpoint));
    exchange(env, second, endpoint);
    expect_nothing(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(ipc, bad_paths_are_refused),
        ON(ipc, a_path_has_at_most_107_bytes),
        ON(ipc, a_relative_path_works),
        ON(ipc, abstract_names_leave_no_file),
        ON(ipc, a_wildcard_makes_a_path_and_removes_it),
        ON(ipc, a_file_that_has_gone_cannot_be_removed),
        ON(ipc, two_wildcards_differ),
        ON(ipc, a_path_stays_after_close),
        ON(ipc, a_leftover_file_is_replaced),
        ON(ipc, a_path_in_use_is_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
