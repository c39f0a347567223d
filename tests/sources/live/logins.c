/* Hostile logins, and a storm beside them, with a history of their own: every process of a login reads its own session
 * id from the kernel and writes "pid start ses" as its last act. Shares no code with the reader that is tested.
 *
 *   logins COUNT GAP_US CHILDREN exec|exit    logins: write loginuid, gap, children that end at once, gap, end
 *   storm RATE SECONDS fork|exec              vforks at a rate (0: as fast as it goes); writes how many at the end
 *   tricks COUNT                              a login that forks with CLONE_PARENT, and a thread's own login
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) { perror(path); _exit(9); }
    close(fd);
}

static void note(void) {
    char stat[1024], ses[32], line[128];
    int fd = open("/proc/self/stat", O_RDONLY);
    int size = read(fd, stat, sizeof stat - 1);
    close(fd);
    stat[size > 0 ? size : 0] = 0;
    char *field = strrchr(stat, ')') + 2;
    for (int number = 3; number < 22; number++) field = strchr(field, ' ') + 1;
    long long start = atoll(field);
    fd = open("/proc/thread-self/sessionid", O_RDONLY);
    size = read(fd, ses, sizeof ses - 1);
    close(fd);
    ses[size > 0 ? size : 0] = 0;
    size = snprintf(line, sizeof line, "%d %lld %s\n", getpid(), start, ses);
    if (write(1, line, size) != size) _exit(8); /* shorter than PIPE_BUF: never mixed */
}

static void child(const char *end) {
    note();
    if (!strcmp(end, "exec")) execl("/bin/true", "true", NULL);
    _exit(0);
}

static void one_login(int number, int gap, int children, const char *end) {
    char uid[16];
    snprintf(uid, sizeof uid, "%d", 64321 + number % 100);
    write_file("/proc/self/loginuid", uid);
    if (gap) usleep(gap);
    for (int i = 0; i < children; i++) {
        pid_t pid = fork();
        if (!pid) child(end);
        waitpid(pid, NULL, 0);
    }
    if (gap) usleep(gap);
    note();
    _exit(0);
}

static void *own_login(void *unused) {
    char path[64];
    (void)unused;
    snprintf(path, sizeof path, "/proc/self/task/%ld/loginuid", syscall(SYS_gettid));
    write_file(path, "64400");
    if (!syscall(SYS_fork)) child("exit");
    usleep(2000);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc >= 6 && !strcmp(argv[1], "logins"))
        for (int i = 0; i < atoi(argv[2]); i++) {
            pid_t pid = fork();
            if (!pid) one_login(i, atoi(argv[3]), atoi(argv[4]), argv[5]);
            waitpid(pid, NULL, 0);
        }
    if (argc >= 3 && !strcmp(argv[1], "tricks"))
        for (int i = 0; i < atoi(argv[2]); i++) {
            pid_t pid = fork();
            if (!pid) {
                write_file("/proc/self/loginuid", "64399");
                if (!syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)) child("exit");
                note();
                _exit(0);
            }
            while (wait(NULL) > 0);
            pid = fork();
            if (!pid) {
                pthread_t thread;
                pthread_create(&thread, NULL, own_login, NULL);
                pthread_join(thread, NULL);
                if (!fork()) child("exit");
                while (wait(NULL) > 0);
                note();
                _exit(0);
            }
            waitpid(pid, NULL, 0);
        }
    if (argc >= 5 && !strcmp(argv[1], "storm")) {
        struct timespec begin, now;
        double rate = atof(argv[2]), seconds = atof(argv[3]), passed = 0;
        long count = 0;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        while (passed < seconds) {
            if (rate > 0 && count > passed * rate) usleep(1000);
            else {
                pid_t pid = vfork();
                if (!pid) {
                    if (!strcmp(argv[4], "exec")) execl("/bin/true", "true", NULL);
                    _exit(0);
                }
                waitpid(pid, NULL, 0);
                count++;
            }
            clock_gettime(CLOCK_MONOTONIC, &now);
            passed = now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9;
        }
        printf("%ld\n", count);
    }
    return 0;
}
