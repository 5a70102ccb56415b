/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file that a context keeps in CERO_STATS_DIR: its layout, that what is
 * read as whole is whole, whose it is, and that it goes; and that nothing
 * depends on it.
 *
 * Thread: the main thread, and some that make events.
 * Owns: nothing.
 */
#include "common/env.h"

#include "ceromq.h"
#include "common/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

/* ---- set-up --------------------------------------------------------- */

static int publish_open(void **state)
{
    snprintf(directory, sizeof directory, "/tmp/cero-publish-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(setenv("CERO_STATS_DIR", directory, 1), 0);
    return env_open(state);
}

static int publish_close(void **state)
{
    int rc = env_close(state);

    /* Every file has gone. */
    unsetenv("CERO_STATS_DIR");
    return rc || rmdir(directory);
}

#define PUBLISHED(test)                                                        \
    {                                                                          \
#test, test, publish_open, publish_close,                              \
            (void *)(uintptr_t)&transport_inproc                               \
    }

/* ---- reading -------------------------------------------------------- */

struct published {
    int fd;
    char path[400];
    cero_stats_file_t header;
};

static void path_of(char path[400], int pid, int number)
{
    snprintf(path, 400, "%s/cero-%d-%d.stats", directory, pid, number);
}

static struct published attach(int number)
{
    struct published p;

    path_of(p.path, getpid(), number);
    p.fd = open(p.path, O_RDONLY);
    assert_true(p.fd >= 0);
    assert_int_equal(pread(p.fd, &p.header, sizeof p.header, 0),
                     sizeof p.header);
    return p;
}

static cero_stats_snapshot_t head_of(const struct published *p)
{
    cero_stats_snapshot_t head = {0};

    (void)!pread(p->fd, &head, sizeof head, (off_t)p->header.snapshot_offset);
    return head;
}

/* The next whole snapshot that was begun after now; gives its records. */
static uint32_t read_snapshot(const struct published *p, cero_stats_t *records,
                              uint32_t max)
{
    uint64_t after = head_of(p).sequence + 2;
    int64_t end_ms = now_ms() + PATIENCE_MS;

    for (;;) {
        cero_stats_snapshot_t head = head_of(p);
        size_t size = head.count * sizeof *records;

        assert_true(now_ms() < end_ms);
        assert_true(head.count <= max);
        (void)!pread(p->fd, records, size, (off_t)p->header.records_offset);
        if (head.sequence > after && head.sequence % 2 == 0 &&
            head_of(p).sequence == head.sequence)
            return head.count;
        usleep(1000);
    }
}

static cero_stats_event_t event_at(const struct published *p, uint64_t number)
{
    cero_stats_event_t event = {0};

    (void)!pread(p->fd, &event, sizeof event,
                 (off_t)(p->header.events_offset +
                         number % p->header.event_max * sizeof event));
    return event;
}

/* ---- the file ------------------------------------------------------- */

static void
it_comes_with_the_first_socket_and_goes_with_the_context(void **state)
{
    struct env *env = *state;
    char path[400];

    path_of(path, getpid(), 1);
    assert_int_equal(access(path, F_OK), -1);
    env_socket(env, ZMQ_PUSH);
    assert_int_equal(access(path, R_OK), 0);
    env_socket(env, ZMQ_PUSH);
    env_end(env);
    assert_int_equal(access(path, F_OK), -1);
}

static void the_header_tells_the_rest(void **state)
{
    struct env *env = *state;
    struct published p;

    env_socket(env, ZMQ_PUSH);
    p = attach(1);
    assert_memory_equal(p.header.magic, CERO_STATS_FILE_MAGIC, 8);
    assert_int_equal(p.header.version, CERO_STATS_FILE_VERSION);
    assert_int_equal(p.header.header_size, sizeof p.header);
    assert_int_equal(p.header.pid, getpid());
    assert_string_equal(p.header.program, program_invocation_short_name);
    assert_int_equal(p.header.record_size, sizeof(cero_stats_t));
    assert_int_equal(p.header.event_size, sizeof(cero_stats_event_t));
    close(p.fd);
}

static void each_context_has_its_own(void **state)
{
    struct env *env = *state;
    void *other = zmq_ctx_new();
    void *socket = zmq_socket(other, ZMQ_PUSH);
    struct published p[2];

    env_socket(env, ZMQ_PUSH);
    p[0] = attach(1);
    p[1] = attach(2);
    assert_ok(zmq_close(socket));
    assert_ok(zmq_ctx_term(other));
    assert_int_equal(access(p[0].path, F_OK), -1);
    assert_int_equal(access(p[1].path, F_OK), 0);
    close(p[0].fd);
    close(p[1].fd);
}

/* ---- contents ------------------------------------------------------- */

static void snapshots_are_those_of_cero_stats(void **state)
{
    struct env *env = *state;
    cero_stats_t records[16];
    struct published p;
    void *push, *pull;

    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, 10));
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    for (uint32_t i = 0; i < 77; i++)
        send_number(push, i);
    for (uint32_t i = 0; i < 77; i++)
        receive_number(pull);
    p = attach(1);
    assert_int_equal(read_snapshot(&p, records, 16), 5);
    assert_int_equal(records[0].kind, CERO_STATS_CONTEXT);
    assert_int_equal(records[0].messages_in, 77);
    assert_int_equal(records[1].kind, CERO_STATS_SOCKET);
    assert_int_equal(records[2].kind, CERO_STATS_PIPE);
    assert_int_equal(records[2].owner, records[1].id);
    assert_int_equal(head_of(&p).interval_ms, 10);
    close(p.fd);
}

static void events_are_numbered(void **state)
{
    struct env *env = *state;
    cero_stats_event_t event;
    struct published p;

    env_close_socket(env, env_socket(env, ZMQ_PUSH));
    p = attach(1);
    event = event_at(&p, 1);
    assert_int_equal(event.number, 1);
    assert_string_equal(event.topic, "socket.open");
    assert_memory_equal(event.body, "{\"time\":", 8);
    event = event_at(&p, 2);
    assert_int_equal(event.number, 2);
    assert_string_equal(event.topic, "socket.close");
    assert_int_equal(event_at(&p, 3).number, 0);
    close(p.fd);
}

static void the_end_of_the_context_is_the_last_event(void **state)
{
    struct env *env = *state;
    struct published p;
    bool is_told = false;

    env_socket(env, ZMQ_PUSH);
    p = attach(1);
    env_end(env);
    for (uint64_t i = 1; event_at(&p, i).number == i; i++)
        is_told |= strcmp(event_at(&p, i).topic, "ctx.term") == 0;
    assert_true(is_told);
    close(p.fd);
}

static void a_body_that_is_too_long_is_left_out(void **state)
{
    struct env *env = *state;
    char endpoint[1500];
    struct published p;

    memset(endpoint, 'x', sizeof endpoint);
    memcpy(endpoint, "inproc://", 9);
    endpoint[sizeof endpoint - 1] = '\0';
    assert_ok(zmq_bind(env_socket(env, ZMQ_PUSH), endpoint));
    p = attach(1);
    assert_string_equal(event_at(&p, 2).topic, "listen.inproc");
    assert_string_equal(event_at(&p, 2).body, "{}");
    close(p.fd);
}

/* ---- writing and reading at the same time --------------------------- */

#if CZ_TSAN
enum { TALKERS = 2, ROUNDS = 200 };
#else
enum { TALKERS = 2, ROUNDS = 2000 };
#endif

static _Atomic int talking;

static void *talk(void *arg)
{
    struct env *env = arg;

    for (int i = 0; i < ROUNDS; i++)
        zmq_close(zmq_socket(env->ctx, ZMQ_PUSH));
    talking--;
    return NULL;
}

/* Events that are whole are in their places, in order. */
static void check_events(const struct published *p, uint64_t *next)
{
    for (;;) {
        cero_stats_event_t event = event_at(p, *next);

        if (event.number < *next || event_at(p, *next).number != event.number)
            return;
        assert_int_equal(event.number % p->header.event_max,
                         *next % p->header.event_max);
        assert_memory_equal(event.topic, "socket.", 7);
        assert_int_equal(event.body[strlen(event.body) - 1], '}');
        *next = event.number + 1;
    }
}

static void what_is_read_as_whole_is_whole(void **state)
{
    struct env *env = *state;
    static cero_stats_t records[64];
    pthread_t threads[TALKERS];
    struct published p;
    uint64_t next = 1;

    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, 1));
    env_socket(env, ZMQ_PUSH);
    p = attach(1);
    talking = TALKERS;
    for (int i = 0; i < TALKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, env), 0);
    while (talking > 0) {
        uint32_t count = read_snapshot(&p, records, 64);

        assert_int_equal(records[0].kind, CERO_STATS_CONTEXT);
        assert_int_equal(records[0].sockets, count - 1);
        for (uint32_t i = 1; i < count; i++)
            assert_int_equal(records[i].kind, CERO_STATS_SOCKET);
        check_events(&p, &next);
    }
    for (int i = 0; i < TALKERS; i++)
        pthread_join(threads[i], NULL);
    check_events(&p, &next);
    assert_true(next > p.header.event_max);
    close(p.fd);
}

/* ---- other processes ------------------------------------------------ */

/* In a process of its own: closing a descriptor of the file would take this
 * process's lock away. */
static bool is_locked_for_others(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDONLY);

        _exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void its_lock_tells_that_the_process_lives(void **state)
{
    struct env *env = *state;
    int pipes[2];
    char path[400];
    pid_t pid;

    (void)env;
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        void *ctx = zmq_ctx_new();

        if (!zmq_socket(ctx, ZMQ_PUSH) || write(pipes[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], path, 1), 1);
    close(pipes[0]);
    path_of(path, pid, 1);
    assert_true(is_locked_for_others(path));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(access(path, F_OK), 0);
    assert_false(is_locked_for_others(path));
    unlink(path);
}

static void a_forked_child_leaves_it_alone(void **state)
{
    struct env *env = *state;
    void *push = env_socket(env, ZMQ_PUSH);
    struct published p;
    int status;
    pid_t pid;

    p = attach(1);
    pid = fork();
    if (pid == 0) {
        zmq_close(push);
        _exit(zmq_ctx_term(env->ctx) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(access(p.path, F_OK), 0);
    env_socket(env, ZMQ_PULL);
    assert_string_equal(event_at(&p, 2).topic, "socket.open");
    close(p.fd);
}

/* ---- where it cannot be --------------------------------------------- */

static void without_the_directory_all_goes_on(void **state)
{
    struct env *env = *state;
    void *push, *pull;

    assert_int_equal(setenv("CERO_STATS_DIR", "/nowhere/at/all", 1), 0);
    env_pair(env, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    send_text(push, "hello", 0);
    expect_text(pull, "hello");
}

static void a_file_that_is_cut_harms_nobody(void **state)
{
    struct env *env = *state;
    cero_stats_t records[16];
    struct published p;

    assert_ok(zmq_ctx_set(env->ctx, CERO_STATS_IVL, 1));
    env_socket(env, ZMQ_PUSH);
    p = attach(1);
    assert_int_equal(truncate(p.path, 0), 0);
    assert_int_equal(read_snapshot(&p, records, 16), 2);
    env_socket(env, ZMQ_PUSH);
    close(p.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUBLISHED(it_comes_with_the_first_socket_and_goes_with_the_context),
        PUBLISHED(the_header_tells_the_rest),
        PUBLISHED(each_context_has_its_own),
        PUBLISHED(snapshots_are_those_of_cero_stats),
        PUBLISHED(events_are_numbered),
        PUBLISHED(the_end_of_the_context_is_the_last_event),
        PUBLISHED(a_body_that_is_too_long_is_left_out),
        PUBLISHED(what_is_read_as_whole_is_whole),
        PUBLISHED(its_lock_tells_that_the_process_lives),
        PUBLISHED(a_forked_child_leaves_it_alone),
        PUBLISHED(without_the_directory_all_goes_on),
        PUBLISHED(a_file_that_is_cut_harms_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
