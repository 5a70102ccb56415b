/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Simulated alarms never ring: nothing here waits for a ZMQ_FD outside.
 *
 * Thread: the one whose turn it is. Owns: nothing.
 */
#include "os/alarm.h"

int cz_alarm_init(struct cz_alarm *alarm, int over_fd)
{
    alarm->fd = over_fd;
    return 0;
}

void cz_alarm_fini(struct cz_alarm *alarm CZ_UNUSED)
{
}

void cz_alarm_set(struct cz_alarm *alarm CZ_UNUSED, uint64_t due_us CZ_UNUSED)
{
}
