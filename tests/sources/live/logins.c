/* Hostile logins, and a storm beside them, with a history of their own: every process of a login reads its own session
 * id from the kernel and writes "pid start ses parent" as its last act. Shares no code with the reader that is tested.
 *
 *   logins COUNT GAP_US CHILDREN exec|exit [WINDOW]
 *                                             logins: write loginuid, gap, children that end at once, gap, end; with a
 *                                             window all pids are of so many numbers, and come back soon
 *   storm RATE SECONDS fork|exec              vforks at a rate (0: as fast as it goes); writes how many at the end
 *   writes COUNT                              processes that write their login uid and end at once
 *   tricks COUNT                              a login that forks with CLONE_PARENT, and a thread's own login
 *   crowd COUNT SIZE                          processes that sleep until the standard input ends, in logins of SIZE
 *                                             (0: without a login); writes a line when all are there
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
    size = snprintf(line, sizeof line, "%d %lld %s %d\n", getpid(), start, ses, getppid());
    if (write(1, line, size) != size) _exit(8); /* shorter than PIPE_BUF: never mixed */
}

static void child(const char *end) {
    note();
    if (!strcmp(end, "exec")) execl("/bin/true", "true", NULL);
    _exit(0);
}

static int window, forks;

/* The kernel looks for a free pid behind this number. Nobody else is hindered, as by a small pid_max. */
static pid_t fork_in_window(void) {
    char number[16];
    snprintf(number, sizeof number, "%d", 20000 + forks++ % (window ? window : 1));
    if (window) write_file("/proc/sys/kernel/ns_last_pid", number);
    return fork();
}

static void one_login(int number, int gap, int children, const char *end) {
    char uid[16];
    snprintf(uid, sizeof uid, "%d", 64321 + number % 100);
    write_file("/proc/self/loginuid", uid);
    if (gap) usleep(gap);
    for (int i = 0; i < children; i++) {
        pid_t pid = fork_in_window();
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

/* A crowd shares its memory, so that 50,000 processes fit: each has a stack of its own, and nothing else. */
enum { STACK = 8192 };
static char *stacks;
static int crowd_pipe[2], crowd_size, login_size;
static volatile int present;

static void sleep_in_crowd(void) {
    char byte;
    close(crowd_pipe[1]);
    __sync_fetch_and_add(&present, 1);
    while (read(crowd_pipe[0], &byte, 1) > 0);
}

static int member(void *unused) {
    (void)unused;
    sleep_in_crowd();
    syscall(SYS_exit, 0);
    return 0;
}

static pid_t start_in_crowd(int (*body)(void *), int number) {
    pid_t pid = clone(body, stacks + (long)(number + 1) * STACK, CLONE_VM | SIGCHLD, (void *)(long)number);
    if (pid < 0) { perror("clone"); _exit(9); }
    return pid;
}

static int leader(void *first) {
    int number = (int)(long)first;
    write_file("/proc/self/loginuid", "64321");
    for (int i = 1; i < login_size && number + i < crowd_size; i++) start_in_crowd(member, number + i);
    sleep_in_crowd();
    while (waitpid(-1, NULL, 0) > 0);
    syscall(SYS_exit, 0);
    return 0;
}

static void crowd(void) {
    char byte;
    if (pipe(crowd_pipe)) _exit(9);
    stacks = mmap(NULL, (long)(crowd_size + 1) * STACK, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < crowd_size; i += login_size ? login_size : 1) start_in_crowd(login_size ? leader : member, i);
    while (present < crowd_size) usleep(1000);
    printf("%d\n", present);
    fflush(stdout);
    while (read(0, &byte, 1) > 0);
    close(crowd_pipe[0]);
    close(crowd_pipe[1]);
    while (waitpid(-1, NULL, 0) > 0);
}

int main(int argc, char **argv) {
    if (argc >= 6 && !strcmp(argv[1], "logins")) {
        window = argc >= 7 ? atoi(argv[6]) : 0;
        for (int i = 0; i < atoi(argv[2]); i++) {
            pid_t pid = fork_in_window();
            if (!pid) one_login(i, atoi(argv[3]), atoi(argv[4]), argv[5]);
            waitpid(pid, NULL, 0);
            forks += atoi(argv[4]); /* those of its children, which counted in a copy */
        }
    }
    if (argc >= 3 && !strcmp(argv[1], "writes"))
        for (int i = 0; i < atoi(argv[2]); i++) {
            pid_t pid = fork();
            if (!pid) { write_file("/proc/self/loginuid", "64321"); note(); _exit(0); }
            waitpid(pid, NULL, 0);
        }
    if (argc >= 4 && !strcmp(argv[1], "crowd")) {
        crowd_size = atoi(argv[2]);
        login_size = atoi(argv[3]);
        crowd();
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
