/* Stands between a process and the files below one directory (LD_PRELOAD, glibc on Linux), so that a test can see what
 * is written, kill the process at a chosen write, make calls fail, make an fsync slow, and cut the power: everything
 * that no fsync has made safe is taken back, all of it or at random, and the process is killed.
 *
 * It is steered through a file of 64-bit numbers (`struct control`), which is mapped here and written by the test, and
 * by SIGUSR2, which cuts the power now. `shim.rs` repeats the layout.
 *
 *   files.c  which files are watched
 *   undo.c   what can be taken back, and dying
 *   hooks.c  the calls
 *
 * It must never know what is in a file.
 */
#ifndef CRASH_SHIM_H
#define CRASH_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Kinds of calls that can be made to fail. */
enum {
    FAIL_WRITES = 1, /* writes and changes of a file's size */
    FAIL_SYNCS = 2,
    FAIL_NAMES = 4, /* opening for writing, making, removing and renaming files */
    FAIL_READS = 8,
};

enum { BEFORE, AFTER, HALFWAY };        /* when to die, seen from the write point */
enum { KEEP_ALL, LOSE_ALL, LOSE_SOME }; /* what becomes then of what is not safe */

struct control {
    /* Written by the test. */
    uint64_t fail_calls; /* the kinds of calls that fail */
    uint64_t fail_errno; /* and with what */
    uint64_t room;       /* bytes that can still be written while writes fail; the last write is cut short */
    uint64_t sync_delay_ms;
    uint64_t real_sync; /* whether a sync reaches the disk: slow, and the page cache outlives a process anyway */
    uint64_t record;    /* whether to remember what can be taken back; read once */
    uint64_t die_at;    /* the number of the write point to die at; none if 0 */
    uint64_t die_when;
    uint64_t power;
    uint64_t seed;
    /* Written here. */
    uint64_t loaded;
    uint64_t points; /* calls between which a crash makes a difference */
    uint64_t writes;
    uint64_t written_bytes;
    uint64_t syncs;
    uint64_t wal_syncs; /* those of files whose names end in `-wal` */
    uint64_t resizes;
    uint64_t names;
    uint64_t failed;      /* calls that were made to fail */
    uint64_t lost_writes; /* taken back when the power went, also in part */
    uint64_t lost_names;
};

/* A change of a file's bytes or of its size. */
struct change {
    bool is_write;
    uint64_t offset, size_before, size_after;
    size_t old_length, new_length;
    uint8_t *old_bytes, *new_bytes;
};

struct file {
    dev_t device;
    ino_t inode;
    bool is_directory, is_wal, is_ignored;
    /* Ours. Never closed: closing any descriptor of a file drops all POSIX locks of the process on it, and the number of
     * a file that nobody has open is given to another. */
    int own_fd;
    /* What has happened since the last sync. */
    struct change *changes;
    size_t length, capacity;
    struct file *next;
};

/* A change of a name. */
struct naming {
    enum { MADE, REMOVED, RENAMED } what;
    char *path, *new_path;
    char *grave; /* keeps what the name stood for, or null */
    struct file *file;
    bool is_safe;
};

extern struct control *control;
extern struct file *all_files;
extern pthread_mutex_t mutex;  /* around everything that is done to a watched file, but for a sync itself */
extern bool records;

/* Looks a call of the C library up once; the next line calls it as `real`. */
#define REAL(result, name, ...)           \
    static result (*real)(__VA_ARGS__);   \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static inline uint64_t get(uint64_t *number) { return __atomic_load_n(number, __ATOMIC_SEQ_CST); }
static inline void count(uint64_t *number, uint64_t by) { __atomic_fetch_add(number, by, __ATOMIC_SEQ_CST); }

/* files.c */
void fatal(const char *what);
void *allocate(void *old, size_t bytes);
char *copy_of(const char *text);
bool ends_with(const char *text, const char *end);
uint64_t size_of(int fd);
ssize_t real_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t real_pwrite(int fd, const void *bytes, size_t length, off_t offset);
int real_ftruncate(int fd, off_t length);
int real_openat(int at, const char *path, int flags, mode_t mode);
int real_unlinkat(int at, const char *path, int flags);
int real_rename(const char *from, const char *to);
void watch_below(const char *directory);
struct file *attach(int fd, char *path); /* null if it is not below the directory; fills the kernel's path in */
void detach(int fd);
struct file *file_of(int fd); /* null if it is not watched */
bool resolve(int at, const char *path, char *resolved); /* false if it is not below the directory */

/* undo.c: with the mutex held */
void set_graves(const char *control_path);
void remember_write(struct file *file, const void *bytes, size_t length, uint64_t offset);
void remember_size(struct file *file, uint64_t size);
void remember_naming(struct naming naming);
char *bury(const char *path); /* keeps what is about to lose its name */
void make_safe(struct file *file, size_t changes);
void die(void); /* cuts the power if that is asked for */

#endif
