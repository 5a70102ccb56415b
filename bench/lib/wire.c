/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bare descriptors and the bytes of ZMTP 3.1 that they carry (23/ZMTP and
 * 37/ZMTP: greeting, READY, short and long frames).
 *
 * Thread: any.
 * Owns:   nothing; descriptors belong to the caller.
 */
#include "lib/wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bench.h"

#define FLAG_LONG 2

size_t wire_hello(uint8_t hello[WIRE_HELLO_MAX], const char *socket_type)
{
    static const char name[] = "Socket-Type";
    size_t name_size = sizeof name - 1, type_size = strlen(socket_type);
    uint8_t *at = hello + WIRE_GREETING_SIZE;

    memset(hello, 0, WIRE_HELLO_MAX);
    hello[0] = 0xff;
    hello[9] = 0x7f;
    hello[10] = 3;
    hello[11] = 1;
    memcpy(hello + 12, "NULL", 4);
    *at++ = 4; /* a command, short */
    *at++ = (uint8_t)(6 + 1 + name_size + 4 + type_size);
    at = (uint8_t *)mempcpy(at, "\5READY", 6);
    *at++ = (uint8_t)name_size;
    at = (uint8_t *)mempcpy(at, name, name_size);
    at = (uint8_t *)mempcpy(at, "\0\0\0", 3);
    *at++ = (uint8_t)type_size;
    at = (uint8_t *)mempcpy(at, socket_type, type_size);
    return (size_t)(at - hello);
}

bool wire_has_hello(const uint8_t *bytes, size_t size, size_t *hello_size)
{
    if (size < WIRE_GREETING_SIZE + 2)
        return false;
    *hello_size = WIRE_GREETING_SIZE + 2u + bytes[WIRE_GREETING_SIZE + 1];
    return size >= *hello_size;
}

size_t wire_frame_size(size_t size)
{
    return size + (size < 256 ? 2 : 9);
}

size_t wire_frames(uint8_t *out, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *frame = out + i * wire_frame_size(size);

        frame[0] = size < 256 ? 0 : FLAG_LONG;
        if (size < 256) {
            frame[1] = (uint8_t)size;
            continue;
        }
        for (int shift = 56, at = 1; shift >= 0; shift -= 8)
            frame[at++] = (uint8_t)(size >> shift);
    }
    return count * wire_frame_size(size);
}

size_t wire_count_frames(const uint8_t *bytes, size_t have, size_t *used)
{
    size_t count = 0, at = 0;

    while (at + 2 <= have) {
        size_t head = 2, body = bytes[at + 1];

        if (bytes[at] & FLAG_LONG) {
            head = 9;
            if (at + head > have)
                break;
            body = 0;
            for (size_t i = 1; i < head; i++)
                body = body << 8 | bytes[at + i];
        }
        at += head + body;
        count++;
    }
    *used = at;
    return count;
}

static void no_delay(int fd)
{
    int on = 1;

    /* Fails on ipc, where there is nothing to switch off. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static socklen_t abstract_name(struct sockaddr_un *name, const char *text)
{
    size_t length = strnlen(text, sizeof name->sun_path - 1);

    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path + 1, text, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

int wire_listen(const char *transport, char *endpoint, size_t endpoint_max)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    socklen_t inet_size = sizeof inet;
    struct sockaddr_un local;
    char name[64];
    bool is_tcp = strcmp(transport, "tcp") == 0;
    int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);

    bench_check(fd >= 0, "socket");
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (is_tcp) {
        bench_check(bind(fd, (struct sockaddr *)&inet, inet_size) == 0 &&
                        getsockname(fd, (struct sockaddr *)&inet, &inet_size) ==
                            0,
                    "bind");
        snprintf(endpoint, endpoint_max, "tcp://127.0.0.1:%d",
                 ntohs(inet.sin_port));
    } else {
        snprintf(name, sizeof name, "cero-bench-raw-%ld", (long)getpid());
        bench_check(bind(fd, (struct sockaddr *)&local,
                         abstract_name(&local, name)) == 0,
                    "bind");
        snprintf(endpoint, endpoint_max, "ipc://@%s", name);
    }
    bench_check(listen(fd, 4096) == 0, "listen");
    return fd;
}

int wire_connect(const char *endpoint)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    struct sockaddr_un local;
    struct sockaddr *address = (struct sockaddr *)&local;
    bool is_tcp = strncmp(endpoint, "tcp://", 6) == 0;
    socklen_t size = sizeof inet;
    int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);

    bench_check(fd >= 0, "socket");
    if (is_tcp) {
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
        address = (struct sockaddr *)&inet;
        no_delay(fd);
    } else {
        size = abstract_name(&local, endpoint + strlen("ipc://@"));
    }
    bench_check(connect(fd, address, size) == 0, "connect");
    return fd;
}

int wire_greet(const char *endpoint, const char *socket_type)
{
    uint8_t hello[WIRE_HELLO_MAX], answer[WIRE_GREETING_SIZE + 2 + 255];
    size_t hello_size = wire_hello(hello, socket_type), size;
    int fd = wire_connect(endpoint);

    wire_write(fd, hello, hello_size);
    wire_read(fd, answer, WIRE_GREETING_SIZE + 2);
    size = answer[WIRE_GREETING_SIZE + 1];
    wire_read(fd, answer + WIRE_GREETING_SIZE + 2, size);
    return fd;
}

int wire_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);

    bench_check(fd >= 0, "accept");
    no_delay(fd);
    return fd;
}

void wire_write(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t more = write(fd, (const char *)bytes + done, size - done);

        bench_check(more > 0, "write");
        done += (size_t)more;
    }
}

void wire_read(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t more = read(fd, (char *)bytes + done, size - done);

        bench_check(more > 0, "read");
        done += (size_t)more;
    }
}
