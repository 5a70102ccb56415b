/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The heavy barrier is membarrier's private expedited command, which a
 * process must register for once.
 *
 * Thread: any. Owns: the answer of the kernel, remembered per process.
 */
#include "os/membarrier.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "os/file.h"
#include "os/thread.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 0 = not asked yet; the process's number = available; the same negative =
 * refused. Keyed by process, so that a forked child asks again. Every
 * writer stores the same answer, hence relaxed throughout: registration is
 * the kernel's business and orders itself. */
static atomic_int answer;

static long membarrier_call(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

/* ThreadSanitizer does not model membarrier and would report races. The
 * environment switch lets a test or a user compare the two protocols. */
static bool membarrier_register(void)
{
    if (CZ_TSAN || cz_environment("CERO_NO_MEMBARRIER"))
        return false;
    return membarrier_call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

bool cz_heavy_barrier_available(void)
{
    int pid = cz_process_id();
    int known = atomic_load_explicit(&answer, memory_order_relaxed);

    if (CZ_UNLIKELY(known != pid && known != -pid)) {
        known = membarrier_register() ? pid : -pid;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == pid;
}

void cz_heavy_barrier(void)
{
    long rc CZ_UNUSED = membarrier_call(MEMBARRIER_CMD_PRIVATE_EXPEDITED);

    CZ_ASSERT(rc == 0);
}
