/* Lets systemd run as the system's manager although it is not process 1, in the pid namespace of the host.
 *
 * Preloaded into it, this replaces the function by which it asks for its pid. Its own code gets 1. libsystemd-shared, which
 * among other things moves that pid into cgroups, gets the real one, and so does every process that it forks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static pid_t first = -1;

pid_t getpid_cached(void) {
    pid_t pid = getpid();
    Dl_info caller;
    if (first < 0) {
        first = getenv("LAB_FIRST_PROCESS") ? pid : 0;
        unsetenv("LAB_FIRST_PROCESS");
        unsetenv("LD_PRELOAD");
        if (first) prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans become its children, as those of process 1 */
    }
    if (pid != first || !dladdr(__builtin_return_address(0), &caller)) return pid;
    return strstr(caller.dli_fname, "/libsystemd-shared-") ? pid : 1;
}
