/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A simulated operating system, linked under the library instead of
 * src/os. One seed decides everything: which thread runs at each point,
 * how the network splits, delays and breaks, and every random number.
 *
 *   - Threads are real, but exactly one runs at a time. Another one may be
 *     chosen at every call into os/, at cz_sim_point, and between any two
 *     basic blocks of code compiled with -fsanitize-coverage=trace-pc.
 *   - The clock is virtual. It stands still while any thread can run (but
 *     for a little in spin loops) and then jumps to the next deadline.
 *   - If nobody can ever run again the run is stuck: threads and the last
 *     events are printed with the seed, and the process aborts.
 *
 * A failed check, a crash, a sanitizer's finding and a hang print the seed
 * too. The environment:
 *
 *   CERO_SIM_SEED=n    sim_run_seeds runs this seed only
 *   CERO_SIM_SEEDS=n   sim_run_seeds runs the seeds 1 to n
 *   CERO_SIM_TRACE=1   every event is printed as it happens
 *
 * Thread: all functions on a simulated thread, unless it says otherwise.
 */
#ifndef CZ_SIM_SIM_H
#define CZ_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Chances are in 1000. Zeroed means no faults at all. */
struct sim_config {
    unsigned split_read;      /* a read gets less than there is */
    unsigned split_write;     /* a write takes less than fits */
    unsigned again;           /* EAGAIN although there is something to do */
    unsigned spurious_park;   /* a park ends without a reason */
    unsigned spurious_poll;   /* a poll reports what is not ready */
    unsigned refuse_connect;  /* ECONNREFUSED although somebody listens */
    unsigned hang_connect;    /* a connect over tcp is never answered */
    unsigned accept_no_fd;    /* accept gives EMFILE */
    unsigned accept_aborted;  /* accept gives ECONNABORTED, peer is reset */
    unsigned reset;           /* a connection is reset at a random byte */
    uint64_t reset_bytes_max; /* ... of its first this many */
    unsigned file_write;      /* a write to a file fails, after a part of it */
    unsigned file_sync;       /* syncing a file or a directory fails */
    uint64_t delay_us_max;    /* tcp bytes and connects are this late */
    size_t buffer_bytes;      /* kernel buffer of a direction; 0 = by seed */
    unsigned fds_max;         /* descriptors; 0 = 1000 */
    unsigned cpus;            /* what cz_cpu_count says; 0 = by seed */
    unsigned blocks_mean;     /* of code between two points; 0 = by seed */
    uint64_t time_us_max;     /* a longer run is a hang; 0 = one hour */
    uint64_t steps_max;       /* likewise; 0 = five million */
};

/* Every fault that loses nothing: splits, delays, EAGAIN, spurious
 * wake-ups. What ends connections is left at zero. Any thread. */
struct sim_config sim_stormy(void);

struct sim_result {
    uint64_t trace_hash; /* equal for equal runs */
    uint64_t steps;      /* how many scheduling points there were */
    uint64_t time_us;    /* virtual time that passed */
    unsigned fds_open;   /* descriptors that nobody closed */
};

/* Runs `main_fn` as the first simulated thread, and returns when it and
 * every thread that it started have ended. `config` may be NULL. Not on a
 * simulated thread. */
struct sim_result sim_run(uint64_t seed, const struct sim_config *config,
                          void (*main_fn)(void *arg), void *arg);

/* sim_run for the seeds 1 to `count`, a quarter of them under ThreadSanitizer,
 * or as the environment says. It is a failure if a run leaves a descriptor
 * open. Not on a simulated thread. */
void sim_run_seeds(unsigned count, const struct sim_config *config,
                   void (*main_fn)(void *arg), void *arg);

uint64_t sim_seed(void);

/* Changes the faults from now on; buffers, limits and processors stay. */
void sim_set_faults(const struct sim_config *config);

/* A place where another thread may be chosen. Harmless (and nothing) on a
 * thread that is not simulated. */
void cz_sim_point(void);

/* Fails the run: prints the text, the seed, the threads and the last
 * events, and aborts. */
_Noreturn void sim_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#define SIM_CHECK(condition)                                                   \
    ((condition) ? (void)0                                                     \
                 : sim_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* A random number below `limit`, from the seed, for the test's own use. */
uint64_t sim_random(uint64_t limit);

void sim_sleep_us(uint64_t us);

/* ---- Breaking connections ---- */

enum sim_direction {
    SIM_BOTH,          /* the bytes of both directions count together */
    SIM_FROM_DIALLER,  /* only those that the connecting side writes */
    SIM_FROM_LISTENER, /* only those that the accepting side writes */
};

/* The next connection that is established is reset as soon as exactly
 * `bytes` bytes have crossed it. They arrive before the reset does. */
void sim_reset_after(enum sim_direction direction, uint64_t bytes);

/* Whether the reset that sim_reset_after asked for has happened. */
bool sim_reset_has_happened(void);

/* Resets the connection of this descriptor now. */
void sim_reset(int fd);

/* Ends this descriptor's writing direction; the far end may go on. */
void sim_half_close(int fd);

/* While parted, nothing that is sent over tcp arrives; later all does. */
void sim_part_network(bool is_parted);

/* ---- Names ---- */

/* From now on a look-up takes this long (0 = up to 50 ms, by the seed), and
 * the next `failing` of them find nothing. */
void sim_slow_names(uint64_t delay_us, unsigned failing);

/* How many look-ups have begun, and how many of them go on. */
unsigned sim_names_begun(void);
unsigned sim_names_pending(void);

/* ---- Crashing ---- */

/* The disk is remembered as it would be found if the process ended here, or
 * the power failed: of what is not synced some is there. */
void sim_disk_save(bool without_power);

/* That is what is there now. All files are closed. */
void sim_disk_restore(void);

/* ---- Raw peers, for scripts that speak ZMTP by hand ----
 * They block, in virtual time. Beside these, cz_sock_* can be used. */

/* Listens on 127.0.0.1 (family AF_INET) or on `path` (NULL for tcp). The
 * descriptor; fails the run if it cannot. */
int sim_listen(const char *path, uint16_t *port);

/* Waits for somebody and gives the new descriptor. */
int sim_accept(int listener);

/* The descriptor, or -errno (-ECONNREFUSED...). `path` NULL = tcp. */
int sim_dial(const char *path, uint16_t port);

/* 0 when all is written, or -errno. */
int sim_send(int fd, const void *data, size_t size);

/* How many bytes came before the stream ended (`size` if it did not), or
 * -errno if it was broken before the first byte. */
ssize_t sim_recv(int fd, void *to, size_t size);

void sim_close(int fd);

#endif
