/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The process's number. The C library no longer remembers it, and the
 * library asks on every call, to notice a fork: so it is remembered here
 * and forgotten in a forked child.
 *
 * Thread: any. Owns: the remembered number, and a fork handler that lives
 * as long as the library is loaded.
 */
#include "base/compiler.h"
#include "os/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* 0 = not asked yet in this process. All writers in one process store the
 * same number, so relaxed is enough. */
_Atomic int cz_process_remembered;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
/* Without the handler (no memory) the number is asked for every time.
 * Written inside pthread_once, which orders it. */
static bool has_handler;

static void process_forget(void)
{
    atomic_store_explicit(&cz_process_remembered, 0, memory_order_relaxed);
}

static void process_install(void)
{
    has_handler = pthread_atfork(NULL, NULL, process_forget) == 0;
}

void cz_process_name(char *name, size_t size)
{
    snprintf(name, size, "%s", program_invocation_short_name);
}

int cz_process_ask(void)
{
    int pid;

    pthread_once(&handler_once, process_install);
    pid = (int)getpid();
    if (has_handler)
        atomic_store_explicit(&cz_process_remembered, pid,
                              memory_order_relaxed);
    return pid;
}
