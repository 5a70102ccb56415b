/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Makes replies. A command reads the request from its standard input as
 * the tool would print it, and its standard output is the reply. The
 * request is in a file of memory, so that neither can wait for the other.
 *
 * Thread: one owner. Nothing else happens while a command runs.
 * Owns: the request and the reply.
 */
#include "answer.h"

#include "output.h"
#include "stop.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_READ_SIZE = 64 * 1024 };

void answer_init(struct answer *answer, const struct options *options)
{
    *answer = (struct answer){.options = options};
}

void answer_fini(struct answer *answer)
{
    parts_fini(&answer->request);
    buffer_fini(&answer->reply);
}

static int answer_write_all(int fd, const struct buffer *buffer)
{
    size_t done = 0;

    while (done < buffer_size(buffer)) {
        ssize_t size =
            write(fd, buffer_head(buffer) + done, buffer_size(buffer) - done);

        if (size == -1)
            return -errno;
        done += (size_t)size;
    }
    return lseek(fd, 0, SEEK_SET) == -1 ? -errno : 0;
}

/* The request as a file, open for reading from its beginning, or -errno. */
static int answer_open_request(const struct answer *answer)
{
    const struct options *options = answer->options;
    struct output text;
    int fd = memfd_create("request", MFD_CLOEXEC);
    int rc = fd == -1 ? -errno : 0;

    output_init(&text,
                options->framing->has_newline ? &framing_lines : &framing_raw,
                options->format, options->separator);
    for (size_t i = 0; i < answer->request.count && rc == 0; i++) {
        struct record part = parts_get(&answer->request, i);

        rc = output_add(&text, part.data, part.size,
                        i + 1 < answer->request.count);
    }
    if (rc == 0)
        rc = answer_write_all(fd, &text.buffer);
    output_fini(&text);
    if (rc != 0 && fd != -1)
        close(fd);
    return rc != 0 ? rc : fd;
}

/* The tool ignores SIGPIPE; a command should not. */
static int answer_spawn(const char *command, int in, int out, pid_t *child)
{
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int rc;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    rc = posix_spawn(child, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* All that the command prints. */
static int answer_read(struct buffer *reply, int fd)
{
    for (;;) {
        int rc = buffer_reserve(reply, ANSWER_READ_SIZE);
        ssize_t size;

        if (rc != 0)
            return rc;
        size = read(fd, buffer_tail(reply), buffer_room(reply));
        if (size == -1 && errno != EINTR)
            return -errno;
        if (stop_signal())
            return -EINTR;
        if (size == 0)
            return 0;
        if (size > 0)
            reply->end += (size_t)size;
    }
}

/* A command that fails has answered, too: with what it has printed. */
static void answer_wait(pid_t child, const char *command)
{
    int status = 0;

    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        warnx("'%s' was ended by signal %d", command, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        warnx("'%s' exited with %d", command, WEXITSTATUS(status));
}

static int answer_run(struct answer *answer, int in)
{
    const char *command = answer->options->answer_text;
    int out[2];
    pid_t child;
    int rc;

    if (pipe2(out, O_CLOEXEC) != 0)
        return -errno;
    rc = answer_spawn(command, in, out[1], &child);
    close(out[1]);
    if (rc == 0) {
        rc = answer_read(&answer->reply, out[0]);
        if (rc != 0)
            kill(child, SIGTERM);
        close(out[0]);
        answer_wait(child, command);
        return rc;
    }
    close(out[0]);
    return rc;
}

static int answer_execute(struct answer *answer, struct record *reply)
{
    int in = answer_open_request(answer);
    int rc = in < 0 ? in : 0;

    buffer_consume(&answer->reply, buffer_size(&answer->reply));
    if (rc == 0) {
        rc = answer_run(answer, in);
        close(in);
    }
    if (rc != 0 && rc != -EINTR)
        warnx("cannot run '%s': %s", answer->options->answer_text,
              strerror(-rc));
    reply->data = buffer_head(&answer->reply);
    reply->size = buffer_size(&answer->reply);
    if (answer->options->framing->has_newline && reply->size > 0 &&
        reply->data[reply->size - 1] == '\n')
        reply->size--;
    return rc;
}

int answer_make(struct answer *answer, struct sender *sender)
{
    const char *text = answer->options->answer_text;
    struct record reply = {0};
    int rc = 0;

    if (answer->options->answer == OPTIONS_ANSWER_ECHO) {
        sender_swap(sender, &answer->request);
    } else {
        if (answer->options->answer == OPTIONS_ANSWER_TEXT)
            reply = (struct record){(const unsigned char *)text, strlen(text)};
        else
            rc = answer_execute(answer, &reply);
        if (rc == 0)
            rc = sender_put(sender, &reply);
    }
    parts_clear(&answer->request);
    return rc;
}
