/* Makes a crowd of sleeping processes, each tiny, all gone when whoever made it ends.
 *
 *   crowd COUNT own     each its own logon session: a write to /proc/self/loginuid gets a fresh kernel id
 *   crowd COUNT none    no kernel id at all
 *
 * Prints the pids, a line each, and closes its output; then lives until its input ends. A child dies with this
 * process, however that ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANYBODY "65534"
#define UNSET "4294967295"

static int write_loginuid(const char *value)
{
    int error = 0, file = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

    if (file < 0)
        return errno;
    if (write(file, value, strlen(value)) < 0)
        error = errno;
    close(file);
    return error;
}

static int has_kernel_id(void)
{
    char value[32] = "";
    int file = open("/proc/self/sessionid", O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return 0;
    if (read(file, value, sizeof value - 1) < 0)
        value[0] = 0;
    close(file);
    return strcmp(value, UNSET) != 0;
}

static void sleep_for_ever(int own, int report, pid_t parent)
{
    unsigned char error;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    error = own ? write_loginuid(ANYBODY) : 0;
    for (int file = 0; file < 3; file++)
        close(file);
    if (write(report, &error, 1) != 1)
        _exit(1);
    close(report);
    for (;;)
        pause();
}

static void disperse(const pid_t *pids, int count)
{
    for (int at = 0; at < count; at++)
        kill(pids[at], SIGKILL);
    for (int at = 0; at < count; at++)
        waitpid(pids[at], NULL, 0);
}

static int gather(pid_t *pids, int count, int own)
{
    int report[2], made, error = 0;
    unsigned char said;
    pid_t parent = getpid();

    if (pipe(report))
        return errno;
    for (made = 0; made < count && !error; made++) {
        pids[made] = fork();
        if (pids[made] < 0) {
            error = errno;
            break;
        }
        if (pids[made] == 0) {
            close(report[0]);
            sleep_for_ever(own, report[1], parent);
        }
    }
    close(report[1]);
    for (int heard = 0; heard < made && !error; heard++)
        error = read(report[0], &said, 1) == 1 ? said : ECHILD;
    close(report[0]);
    if (error)
        disperse(pids, made);
    return error;
}

int main(int argc, char **argv)
{
    int count = argc == 3 ? atoi(argv[1]) : 0, own, error;
    pid_t *pids;
    char ignored;

    if (count < 1) {
        fputs("usage: crowd COUNT own|none\n", stderr);
        return 2;
    }
    own = strcmp(argv[2], "own") == 0;
    pids = calloc(count, sizeof *pids);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    error = has_kernel_id() ? write_loginuid(UNSET) : 0; /* a login's child: out of it */
    if (!error)
        error = gather(pids, count, own);
    if (error) {
        fprintf(stderr, "%s\n", strerror(error));
        return 1;
    }
    for (int at = 0; at < count; at++)
        printf("%d\n", (int)pids[at]);
    fclose(stdout);
    while (read(0, &ignored, 1) > 0)
        ;
    disperse(pids, count);
    return 0;
}
