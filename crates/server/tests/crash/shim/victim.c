/* Writes files as its arguments say, so that the tests of the shim know what was written. One word for each step:
 *
 *   open NAME    close    write OFFSET TEXT    append TEXT    size BYTES    sync    sync-directory
 *   remove NAME    rename FROM TO    wait
 *
 * Prints the name of each step that failed, with its error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(const char *step, long result) {
    if (result >= 0) return;
    printf("%s: %d\n", step, errno);
    fflush(stdout);
}

int main(int argc, char **argv) {
    int fd = -1, directory = open(".", O_RDONLY);
    for (int i = 1; i < argc; i++) {
        const char *step = argv[i];
        if (strcmp(step, "open") == 0) {
            fd = open(argv[++i], O_RDWR | O_CREAT, 0600);
            check(step, fd);
        } else if (strcmp(step, "close") == 0) {
            check(step, close(fd));
        } else if (strcmp(step, "write") == 0) {
            long offset = atol(argv[++i]);
            const char *text = argv[++i];
            ssize_t written = pwrite(fd, text, strlen(text), offset);
            check(step, written);
            if (written >= 0 && written < (ssize_t)strlen(text)) printf("short: %zd\n", written);
        } else if (strcmp(step, "append") == 0) {
            const char *text = argv[++i];
            check(step, lseek(fd, 0, SEEK_END));
            check(step, write(fd, text, strlen(text)));
        } else if (strcmp(step, "size") == 0) {
            check(step, ftruncate(fd, atol(argv[++i])));
        } else if (strcmp(step, "sync") == 0) {
            check(step, fsync(fd));
        } else if (strcmp(step, "sync-directory") == 0) {
            check(step, fsync(directory));
        } else if (strcmp(step, "remove") == 0) {
            check(step, unlink(argv[++i]));
        } else if (strcmp(step, "rename") == 0) {
            const char *from = argv[++i];
            check(step, rename(from, argv[++i]));
        } else if (strcmp(step, "wait") == 0) {
            puts("waiting");
            fflush(stdout);
            for (;;) pause(); /* a signal that is handled ends one */
        }
    }
    return 0;
}
