/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ipc (zmq_ipc(7)): Unix-domain sockets by path, by abstract name ("@name")
 * or, when bound to "*", in a fresh directory.
 *
 * Thread: listening and checking on the socket's; dialling with the helm.
 */
#include "net/stream_transport.h"
#include "net/transports.h"
#include "os/file.h"
#include "os/socket.h"
#include "wire/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Makes a directory that nobody else can write to, for the socket's file. */
static int ipc_make_wildcard(struct cz_listening *listening, char *path,
                             size_t size)
{
    static const char *const places[] = {"TMPDIR", "TEMPDIR", "TMP"};
    const char *place = NULL;
    const char *slash = "";
    int length;
    int rc;

    for (size_t i = 0; i < CZ_COUNT_OF(places) && !place; i++) {
        place = cz_environment(places[i]);
        if (place && !cz_dir_exists(place))
            place = NULL;
    }
    if (place && place[strlen(place) - 1] != '/')
        slash = "/";
    length = snprintf(listening->directory, sizeof listening->directory,
                      "%s%stmpXXXXXX", place ? place : "", slash);
    if ((size_t)length >= sizeof listening->directory) {
        listening->directory[0] = '\0';
        return -ENAMETOOLONG;
    }
    rc = cz_dir_make_temporary(listening->directory);
    if (rc != 0) {
        listening->directory[0] = '\0';
        return rc;
    }
    length = snprintf(path, size, "%s/socket", listening->directory);
    if ((size_t)length >= size)
        return -ENAMETOOLONG;
    return 0;
}

static int ipc_open_listener(const struct cz_options *o,
                             const struct cz_ipc_address *parsed,
                             const char *path, int *out)
{
    struct cz_addr addr;
    int fd;
    int rc = cz_addr_ipc(&addr, path);

    if (rc != 0)
        return rc;
    if (!parsed->is_abstract)
        (void)!cz_file_unlink(path); /* a leftover, if there is one */
    fd = cz_sock_open(AF_UNIX, SOCK_STREAM);
    if (fd < 0)
        return fd;
    rc = cz_sock_bind(fd, &addr);
    if (rc == 0)
        rc = cz_sock_listen(fd, o->backlog);
    if (rc != 0)
        cz_sock_close(fd);
    *out = fd;
    return rc;
}

static void ipc_undo_wildcard(struct cz_listening *listening)
{
    if (listening->directory[0])
        (void)!cz_dir_remove(listening->directory);
    listening->directory[0] = '\0';
}

static int ipc_listen(const struct cz_options *o, const char *address,
                      struct cz_listening *listening)
{
    char path[CZ_IPC_PATH_MAX + 1];
    struct cz_ipc_address parsed;
    int rc = cz_endpoint_parse_ipc(address, &parsed);

    if (rc != 0)
        return rc;
    memcpy(path, parsed.path, sizeof path);
    if (o->use_fd >= 0) {
        listening->fd = o->use_fd;
        rc = cz_sock_adopt_listener(o->use_fd);
        if (rc != 0)
            return rc;
    } else {
        if (parsed.is_wildcard)
            rc = ipc_make_wildcard(listening, path, sizeof path);
        if (rc == 0)
            rc = ipc_open_listener(o, &parsed, path, &listening->fd);
        if (rc != 0) {
            ipc_undo_wildcard(listening);
            return rc;
        }
        if (parsed.is_wildcard)
            snprintf(listening->file, sizeof listening->file, "%s", path);
    }
    snprintf(listening->name, sizeof listening->name, "ipc://%s", path);
    return 0;
}

static int ipc_check(const char *address)
{
    struct cz_ipc_address parsed;

    return cz_endpoint_parse_ipc(address, &parsed);
}

static int ipc_locate(const struct cz_options *o CZ_UNUSED, const char *address,
                      struct cz_addr *to)
{
    return cz_addr_ipc(to, address);
}

static int ipc_dial(const struct cz_options *o CZ_UNUSED,
                    const char *address CZ_UNUSED, const struct cz_addr *to,
                    int *out)
{
    int fd = cz_sock_open(AF_UNIX, SOCK_STREAM);

    *out = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : cz_sock_connect(fd, to);
}

static int ipc_tune(const struct cz_options *o, int fd)
{
    int rc = 0;

    if (o->sndbuf >= 0)
        rc = cz_sock_set_int(fd, SOL_SOCKET, SO_SNDBUF, o->sndbuf);
    if (rc == 0 && o->rcvbuf >= 0)
        rc = cz_sock_set_int(fd, SOL_SOCKET, SO_RCVBUF, o->rcvbuf);
    return rc;
}

static int ipc_tune_accepted(const struct cz_options *o, int fd,
                             const struct cz_addr *peer CZ_UNUSED)
{
    return ipc_tune(o, fd);
}

/* Who is in more groups than that is known by its first one only. */
enum { GROUPS_MAX = 256 };

static bool ipc_admits(const struct cz_options *o, int fd)
{
    struct cz_sock_credentials who;
    gid_t groups[GROUPS_MAX];
    int count = 0;

    if (!cz_options_filter_processes(o))
        return true;
    if (cz_sock_credentials(fd, &who) != 0)
        return false;
    if (cz_options_blob(o, CZ_OPTION_IPC_FILTER_GID).size > 0)
        count = cz_sock_peer_groups(fd, groups, GROUPS_MAX);
    return cz_options_admit_process(o, &who, groups,
                                    count > 0 ? (size_t)count : 0);
}

static void ipc_peer_text(int fd, char text[CZ_ADDR_TEXT_MAX])
{
    struct cz_sock_credentials who = {0};

    text[0] = '\0';
    if (cz_sock_credentials(fd, &who) == 0)
        snprintf(text, CZ_ADDR_TEXT_MAX, "localhost:%u:%u:%d",
                 (unsigned)who.uid, (unsigned)who.gid, (int)who.pid);
}

static const struct cz_stream_transport ipc = {
    .scheme = "ipc",
    .listen = ipc_listen,
    .check = ipc_check,
    .locate = ipc_locate,
    .dial = ipc_dial,
    .admits = ipc_admits,
    .tune = ipc_tune,
    .tune_accepted = ipc_tune_accepted,
    .peer_text = ipc_peer_text,
};

static int ipc_bind(struct cz_socket *socket, const char *endpoint CZ_UNUSED,
                    const char *address)
{
    return cz_stream_bind(socket, &ipc, address);
}

static int ipc_connect(struct cz_socket *socket, const char *endpoint,
                       const char *address)
{
    return cz_stream_connect(socket, &ipc, endpoint, address);
}

const struct cz_transport cz_ipc_transport = {
    .scheme = "ipc",
    .bind = ipc_bind,
    .connect = ipc_connect,
    .is_deduplicated = true,
};
