/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Another process with another libzmq.so.5 in it.
 *
 * Thread: the main thread of a test.
 * Owns: the process and the two pipes to it.
 */
#include "common/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEER_PATH_MAX 4096
#define PEER_PATIENCE_MS 90000

static bool peer_program(char path[PEER_PATH_MAX])
{
    const char *directory = getenv("CZ_PEER_DIR");

    snprintf(path, PEER_PATH_MAX, "%s/zmq_peer", directory ? directory : ".");
    return access(path, X_OK) == 0;
}

bool peer_is_available(void)
{
    char path[PEER_PATH_MAX];

    if (peer_program(path))
        return true;
    print_message("skipped: no %s; is the system's libzmq installed when "
                  "this is built?\n",
                  path);
    return false;
}

/* The child's part: after this, only exec. */
static void peer_exec(const char *path, int commands, int answers)
{
    const char *library = getenv("CZ_SYSTEM_LIB_DIR");

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(commands, STDIN_FILENO) == -1 ||
        dup2(answers, STDOUT_FILENO) == -1)
        _exit(126);
    if (library)
        setenv("LD_LIBRARY_PATH", library, 1);
    else
        unsetenv("LD_LIBRARY_PATH");
    unsetenv("LD_PRELOAD");
    execl(path, path, (char *)NULL);
    _exit(127);
}

void peer_start(struct peer *peer)
{
    char path[PEER_PATH_MAX];
    char version[PEER_LINE_MAX];
    int commands[2];
    int answers[2];

    assert_true(peer_program(path));
    assert_int_equal(pipe2(commands, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    peer->pid = fork();
    if (peer->pid == 0)
        peer_exec(path, commands[0], answers[1]);
    assert_true(peer->pid > 0);
    close(commands[0]);
    close(answers[1]);
    peer->commands = fdopen(commands[1], "w");
    peer->answers = fdopen(answers[0], "r");
    assert_non_null(peer->commands);
    assert_non_null(peer->answers);
    /* So that poll() knows of every answer that is not taken yet. */
    setvbuf(peer->answers, NULL, _IONBF, 0);
    peer_post(peer, "version");
    peer_expect_ok(peer, version);
    assert_non_null(strstr(version, "libzmq"));
}

static void peer_write(struct peer *peer, const char *format, va_list args)
{
    assert_true(vfprintf(peer->commands, format, args) > 0);
    assert_int_equal(fputc('\n', peer->commands), '\n');
    assert_int_equal(fflush(peer->commands), 0);
}

void peer_post(struct peer *peer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    peer_write(peer, format, args);
    va_end(args);
}

void peer_expect_ok(struct peer *peer, char rest[PEER_LINE_MAX])
{
    struct pollfd item = {.fd = fileno(peer->answers), .events = POLLIN};
    char line[PEER_LINE_MAX] = "";

    assert_int_equal(poll(&item, 1, PEER_PATIENCE_MS), 1);
    assert_non_null(fgets(line, sizeof(line), peer->answers));
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "ok", 2) != 0)
        fail_msg("the peer says: %s", line);
    if (rest)
        snprintf(rest, PEER_LINE_MAX, "%s", line + (line[2] ? 3 : 2));
}

void peer_do(struct peer *peer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    peer_write(peer, format, args);
    va_end(args);
    peer_expect_ok(peer, NULL);
}

void peer_open(struct peer *peer, int type)
{
    peer_start(peer);
    peer_do(peer, "socket %d", type);
}

void peer_link(struct peer *peer, struct env *env, void *socket, bool is_bound,
               char endpoint[ENDPOINT_MAX])
{
    if (is_bound) {
        env_bind(env, socket, endpoint);
        peer_do(peer, "connect %s", endpoint);
    } else {
        env_free_endpoint(env, endpoint);
        peer_do(peer, "bind %s", endpoint);
        assert_ok(zmq_connect(socket, endpoint));
    }
}

static void peer_wait(struct peer *peer)
{
    if (peer->pid == 0)
        return;
    while (waitpid(peer->pid, NULL, 0) == -1 && errno == EINTR)
        continue;
    fclose(peer->commands);
    fclose(peer->answers);
    peer->pid = 0;
}

void peer_kill(struct peer *peer)
{
    if (peer->pid > 0)
        kill(peer->pid, SIGKILL);
    peer_wait(peer);
}
