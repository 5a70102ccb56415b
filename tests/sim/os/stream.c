/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connections: bytes in two directions that may be split, late or cut off
 * anywhere, but never reordered, lost or invented before the cut.
 *
 * Thread: the one whose turn it is. Owns: nothing (see net.c).
 */
#include "sim/os/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What arrives at the far end of a stream. The value of an event is the
 * kind, the direction and the offset, packed. */
enum stream_arrival { ARRIVE_BYTES, ARRIVE_END, ARRIVE_RESET };

/* While the network is parted, deliveries try again this much later. */
enum { PARTED_RETRY_NS = 1000000 };

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void stream_reset_end(struct sim_sock *sock)
{
    if (!sock || sock->is_dead)
        return;
    sock->is_dead = true;
    sock->error = -ECONNRESET;
}

static void stream_on_arrival(void *arg, uint64_t value)
{
    struct sim_link *link = arg;
    unsigned from = value & 1;
    enum stream_arrival what = (enum stream_arrival)((value >> 1) & 3);
    struct sim_stream *stream = &link->streams[from];
    uint64_t offset = value >> 3;

    if (sim.is_parted && !link->is_local) {
        sim_after(PARTED_RETRY_NS, stream_on_arrival, link, value);
        return;
    }
    if (offset > stream->visible)
        stream->visible = offset;
    if (what == ARRIVE_END)
        stream->end_is_visible = true;
    if (what == ARRIVE_RESET)
        stream_reset_end(link->ends[1 - from]);
    sim_poll_recheck();
}

/* Late by chance, but never before what was sent earlier. */
static void stream_send(struct sim_link *link, int from,
                        enum stream_arrival what)
{
    struct sim_stream *stream = &link->streams[from];
    uint64_t max_ns = link->is_local ? 0 : sim.config.delay_us_max * 1000;
    uint64_t at_ns = sim.now_ns;

    if (max_ns > 0 && sim_below(SIM_DICE_FAULTS, 2))
        at_ns += sim_below(SIM_DICE_FAULTS, max_ns);
    if (at_ns < stream->last_at_ns)
        at_ns = stream->last_at_ns;
    stream->last_at_ns = at_ns;
    sim_after(at_ns - sim.now_ns, stream_on_arrival, link,
              stream->written << 3 | (uint64_t)what << 1 | (uint64_t)from);
}

void sim_link_reset(struct sim_link *link)
{
    if (link->is_reset)
        return;
    link->is_reset = true;
    if (link->reset_was_asked)
        sim.reset_has_happened = true;
    sim_note("reset", (int64_t)link->streams[0].written,
             (int64_t)link->streams[1].written);
    stream_send(link, 0, ARRIVE_RESET);
    stream_send(link, 1, ARRIVE_RESET);
}

/* When this connection is to break: as the test asked, or by chance. */
static void stream_plan_reset(struct sim_link *link)
{
    uint64_t range = sim.config.reset_bytes_max;

    link->reset_left = SIM_NEVER;
    if (sim.reset_is_wanted) {
        sim.reset_is_wanted = false;
        link->reset_was_asked = true;
        link->reset_direction = sim.reset_direction;
        link->reset_left = sim.reset_bytes;
    } else if (sim_fault(sim.config.reset)) {
        link->reset_left = sim_below(SIM_DICE_FAULTS, range ? range : 1000);
    }
    if (link->reset_left == 0)
        sim_link_reset(link);
}

struct sim_link *sim_link_open(struct sim_sock *dialled,
                               struct sim_sock *accepted)
{
    struct sim_link *link = calloc(1, sizeof *link);
    int i;

    if (!link)
        sim_fail("no memory");
    link->is_local = dialled->family == AF_UNIX;
    link->capacity = sim.config.buffer_bytes;
    for (i = 0; i < 2; i++) {
        link->streams[i].bytes = malloc(link->capacity);
        if (!link->streams[i].bytes)
            sim_fail("no memory");
    }
    link->ends[0] = dialled;
    link->ends[1] = accepted;
    for (i = 0; i < 2; i++) {
        link->ends[i]->link = link;
        link->ends[i]->end = i;
    }
    sim_link_keep(link);
    stream_plan_reset(link);
    return link;
}

/* As in Linux: whoever closes with bytes unread, or still on their way,
 * resets the connection. */
void sim_link_close_end(struct sim_sock *sock)
{
    struct sim_link *link = sock->link;
    struct sim_stream *in = &link->streams[1 - sock->end];
    struct sim_stream *out = &link->streams[sock->end];

    link->ends[sock->end] = NULL;
    if (link->is_reset)
        return;
    if (in->written > in->taken) {
        link->is_reset = true;
        stream_send(link, sock->end, ARRIVE_RESET);
    } else if (!out->has_ended) {
        out->has_ended = true;
        stream_send(link, sock->end, ARRIVE_END);
    }
}

void sim_half_close(int fd)
{
    struct sim_sock *sock = sim_sock_of(fd);
    struct sim_stream *out;

    if (!sock->link)
        sim_fail("descriptor %d has no connection to half-close", fd);
    out = &sock->link->streams[sock->end];
    if (!out->has_ended) {
        out->has_ended = true;
        stream_send(sock->link, sock->end, ARRIVE_END);
    }
}

void sim_reset(int fd)
{
    struct sim_sock *sock = sim_sock_of(fd);

    if (!sock->link)
        sim_fail("descriptor %d has no connection to reset", fd);
    sim_link_reset(sock->link);
}

/* Moves `size` bytes between a vector and the ring at `offset`. */
static void stream_copy(struct sim_link *link, struct sim_stream *stream,
                        uint64_t offset, const struct iovec *vector,
                        uint64_t size, bool is_write)
{
    uint64_t moved = 0;

    while (moved < size) {
        uint8_t *memory = vector->iov_base;
        size_t i;

        for (i = 0; i < vector->iov_len && moved < size; i++, moved++) {
            uint8_t *place = &stream->bytes[(offset + moved) % link->capacity];

            if (is_write)
                *place = memory[i];
            else
                memory[i] = *place;
        }
        vector++;
    }
}

static uint64_t stream_total(const struct iovec *vector, int count)
{
    uint64_t total = 0;
    int i;

    for (i = 0; i < count; i++)
        total += vector[i].iov_len;
    return total;
}

static ssize_t stream_take_error(struct sim_sock *sock)
{
    int error = sock->error;

    sock->error = 0;
    return error;
}

ssize_t sim_link_read(struct sim_sock *sock, const struct iovec *to, int count)
{
    struct sim_link *link = sock->link;
    struct sim_stream *in = &link->streams[1 - sock->end];
    uint64_t size = min_u64(stream_total(to, count), in->visible - in->taken);

    if (in->visible == in->taken) {
        if (sock->error)
            return stream_take_error(sock);
        return sock->is_dead || in->end_is_visible ? 0 : -EAGAIN;
    }
    if (sim_fault(sim.config.again))
        return -EAGAIN;
    if (size > 1 && sim_fault(sim.config.split_read))
        size = 1 + sim_below(SIM_DICE_FAULTS, size - 1);
    stream_copy(link, in, in->taken, to, size, false);
    in->taken += size;
    sim_poll_recheck();
    return (ssize_t)size;
}

/* The far end is closed: the bytes go nowhere, and over tcp only a reset
 * that comes back tells so. */
static ssize_t stream_write_to_nobody(struct sim_sock *sock, uint64_t size)
{
    if (sock->link->is_local)
        return -EPIPE;
    if (!sock->link->is_reset) {
        sock->link->is_reset = true;
        stream_send(sock->link, 1 - sock->end, ARRIVE_RESET);
    }
    return (ssize_t)size;
}

/* Do the bytes of this direction count for the planned reset? */
static bool stream_counts(const struct sim_link *link, int from)
{
    return link->reset_left != SIM_NEVER &&
           link->reset_direction !=
               (from == 0 ? SIM_FROM_LISTENER : SIM_FROM_DIALLER);
}

ssize_t sim_link_write(struct sim_sock *sock, const struct iovec *from,
                       int count)
{
    struct sim_link *link = sock->link;
    struct sim_stream *out = &link->streams[sock->end];
    uint64_t size = stream_total(from, count);

    if (sock->error)
        return stream_take_error(sock);
    if (sock->is_dead || out->has_ended)
        return -EPIPE;
    if (!link->ends[1 - sock->end] || link->is_reset)
        return stream_write_to_nobody(sock, size);
    size = min_u64(size, link->capacity - (out->written - out->taken));
    if (stream_counts(link, sock->end))
        size = min_u64(size, link->reset_left);
    if (size == 0 || sim_fault(sim.config.again))
        return stream_total(from, count) == 0 ? 0 : -EAGAIN;
    if (size > 1 && sim_fault(sim.config.split_write))
        size = 1 + sim_below(SIM_DICE_FAULTS, size - 1);
    stream_copy(link, out, out->written, from, size, true);
    out->written += size;
    stream_send(link, sock->end, ARRIVE_BYTES);
    if (stream_counts(link, sock->end)) {
        link->reset_left -= size;
        if (link->reset_left == 0)
            sim_link_reset(link);
    }
    return (ssize_t)size;
}

void sim_reset_after(enum sim_direction direction, uint64_t bytes)
{
    sim.reset_is_wanted = true;
    sim.reset_has_happened = false;
    sim.reset_direction = direction;
    sim.reset_bytes = bytes;
}

bool sim_reset_has_happened(void)
{
    return sim.reset_has_happened;
}

void sim_part_network(bool is_parted)
{
    sim.is_parted = is_parted;
}
