/* A process that executes a program for ever.
 *
 * It shares its memory with its parent (vfork), and waits for the lock of that memory, which the parent holds while it
 * waits for a file system that does not answer (see hung_process.py). Prints the pids of both; any input starts it. With
 * another argument before the file, the memory is written through the file of the child in /proc. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile pid_t child;

static void *start_child(void *unused)
{
    if (vfork() == 0) {
        char input;
        child = getpid();
        if (read(0, &input, 1) == 1)
            execl("/bin/sleep", "sleep", "86399.5", (char *)0);
        _exit(1);
    }
    return unused;
}

static int write_memory(void)
{
    char path[64], byte = 1;
    static char written;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
    return pwrite(open(path, O_WRONLY), &byte, 1, (off_t)&written) != 1;
}

int main(int count, char **arguments)
{
    long page = sysconf(_SC_PAGESIZE);
    int file = open(arguments[count - 1], O_RDWR);
    char *mapped = mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    pthread_t thread;

    if (file < 0 || mapped == MAP_FAILED || pthread_create(&thread, 0, start_child, 0))
        return 1;
    while (!child)
        usleep(1000);
    if (count > 2 && write_memory())
        return 1;
    memset(mapped, 1, 8);
    printf("%d %d\n", (int)getpid(), (int)child);
    fflush(stdout);
    mmap(mapped, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    pause();
    return 0;
}
