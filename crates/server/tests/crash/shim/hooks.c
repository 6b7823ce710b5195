/* The calls that are stood in for. A descriptor that is duplicated is not watched under its second number. */
#include "shim.h"

#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

static sem_t cut_wanted;

/* Whether this call is to fail now; sets errno. */
static bool fails(uint64_t calls) {
    if (!(get(&control->fail_calls) & calls)) return false;
    count(&control->failed, 1);
    errno = (int)get(&control->fail_errno);
    return true;
}

/* Comes to a write point; what it is about has no half, so halfway is before it. Returns whether to die after it. */
static bool dies_after_point(void) {
    count(&control->points, 1);
    uint64_t die_at = get(&control->die_at);
    bool dies = die_at != 0 && get(&control->points) == die_at;
    if (dies && get(&control->die_when) != AFTER) die();
    return dies;
}

/* Leaves the part that the mutex is held for. */
static void leave(int failure) {
    pthread_mutex_unlock(&mutex);
    errno = failure;
}

/* Writing. */

/* How much of a write there is room for; negative if it fails. */
static ssize_t room_for(size_t length) {
    if (!(get(&control->fail_calls) & FAIL_WRITES)) return (ssize_t)length;
    uint64_t room = get(&control->room);
    if (room == 0) return fails(FAIL_WRITES) ? -1 : (ssize_t)length;
    if (room < length) length = (size_t)room;
    __atomic_store_n(&control->room, room - length, __ATOMIC_SEQ_CST);
    return (ssize_t)length;
}

/* The descriptor moves along if the offset is negative. */
static ssize_t write_at(struct file *file, int fd, const void *bytes, size_t length, off_t offset) {
    pthread_mutex_lock(&mutex);
    bool moves = offset < 0;
    if (moves) offset = fcntl(fd, F_GETFL) & O_APPEND ? (off_t)size_of(fd) : lseek(fd, 0, SEEK_CUR);
    ssize_t written = room_for(length);
    if (written >= 0) {
        length = (size_t)written;
        count(&control->points, 1);
        bool dies = get(&control->die_at) != 0 && get(&control->points) == get(&control->die_at);
        if (dies && get(&control->die_when) == BEFORE) die();
        if (dies && get(&control->die_when) == HALFWAY) length /= 2;
        remember_write(file, bytes, length, (uint64_t)offset);
        written = real_pwrite(fd, bytes, length, offset);
        if (dies) die();
    }
    int failure = errno;
    if (written >= 0) {
        count(&control->writes, 1);
        count(&control->written_bytes, (uint64_t)written);
        if (moves) lseek(fd, offset + written, SEEK_SET);
    }
    leave(failure);
    return written;
}

static ssize_t write_parts(struct file *file, int fd, const struct iovec *parts, int many, off_t offset) {
    size_t length = 0, at = 0;
    for (int i = 0; i < many; i++) length += parts[i].iov_len;
    char *bytes = allocate(NULL, length + 1);
    for (int i = 0; i < many; at += parts[i++].iov_len) memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
    ssize_t written = write_at(file, fd, bytes, length, offset);
    int failure = errno;
    free(bytes);
    errno = failure;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    struct file *file = file_of(fd);
    return file ? write_at(file, fd, bytes, length, -1) : real(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    struct file *file = file_of(fd);
    return file ? write_at(file, fd, bytes, length, offset) : real_pwrite(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t writev(int fd, const struct iovec *parts, int many) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    struct file *file = file_of(fd);
    return file ? write_parts(file, fd, parts, many, -1) : real(fd, parts, many);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int many, off_t offset) {
    REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off_t);
    struct file *file = file_of(fd);
    return file ? write_parts(file, fd, parts, many, offset) : real(fd, parts, many, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int many, off_t offset) {
    return pwritev64(fd, parts, many, offset);
}

int ftruncate64(int fd, off_t size) {
    struct file *file = file_of(fd);
    if (!file) return real_ftruncate(fd, size);
    pthread_mutex_lock(&mutex);
    int result = -1;
    if (!fails(FAIL_WRITES)) {
        bool dies = dies_after_point();
        remember_size(file, (uint64_t)size);
        result = real_ftruncate(fd, size);
        if (dies) die();
        count(&control->resizes, 1);
    }
    leave(errno);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* Only what makes a file larger: what else it can do could not be taken back. */
int posix_fallocate64(int fd, off_t offset, off_t length) {
    REAL(int, "posix_fallocate64", int, off_t, off_t);
    if (!file_of(fd)) return real(fd, offset, length);
    if ((uint64_t)(offset + length) <= size_of(fd)) return 0;
    return ftruncate64(fd, offset + length) == 0 ? 0 : errno;
}

int posix_fallocate(int fd, off_t offset, off_t length) { return posix_fallocate64(fd, offset, length); }

int fallocate64(int fd, int mode, off_t offset, off_t length) {
    REAL(int, "fallocate64", int, int, off_t, off_t);
    if (!file_of(fd)) return real(fd, mode, offset, length);
    errno = mode == 0 ? posix_fallocate64(fd, offset, length) : EOPNOTSUPP;
    return errno == 0 ? 0 : -1;
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }

ssize_t pread64(int fd, void *bytes, size_t length, off_t offset) {
    if (file_of(fd) && fails(FAIL_READS)) return -1;
    return real_pread(fd, bytes, length, offset);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return pread64(fd, bytes, length, offset); }

/* Syncing. */

/* As long as the test says, also when it changes its mind meanwhile. */
static void delay_sync(void) {
    const struct timespec millisecond = {0, 1000000};
    for (uint64_t waited = 0; waited < get(&control->sync_delay_ms); waited++) nanosleep(&millisecond, NULL);
}

static int sync_file(struct file *file, int fd, int (*real)(int)) {
    delay_sync();
    pthread_mutex_lock(&mutex);
    int result = -1;
    if (!fails(FAIL_SYNCS)) {
        bool dies = dies_after_point();
        size_t covered = file->length;
        pthread_mutex_unlock(&mutex);
        result = get(&control->real_sync) ? real(fd) : 0;
        int failure = errno;
        pthread_mutex_lock(&mutex);
        if (result == 0) {
            make_safe(file, covered);
            count(&control->syncs, 1);
            if (file->is_wal) count(&control->wal_syncs, 1);
        }
        if (dies) die();
        errno = failure;
    }
    leave(errno);
    return result;
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    struct file *file = file_of(fd);
    return file ? sync_file(file, fd, real) : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    struct file *file = file_of(fd);
    return file ? sync_file(file, fd, real) : real(fd);
}

/* Names and descriptors. */

static bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)); }

static int open_watched(int at, const char *path, const char *resolved, int flags, mode_t mode) {
    struct stat status;
    char name[PATH_MAX];
    bool is_new = (flags & O_CREAT) && lstat(resolved, &status) != 0;
    if (writes(flags) && fails(FAIL_NAMES)) return -1;
    /* A disk without room has none for a new file either. */
    if (is_new && get(&control->room) == 0 && fails(FAIL_WRITES)) return -1;
    bool dies = is_new && !ends_with(resolved, "-shm") && dies_after_point();
    int fd = real_openat(at, path, flags & ~O_TRUNC, mode);
    if (fd < 0) return -1;
    struct file *file = attach(fd, name);
    bool is_watched = file && !file->is_ignored;
    if (is_watched && is_new) remember_naming((struct naming){.what = MADE, .path = copy_of(name), .file = file});
    if ((flags & O_TRUNC) && size_of(fd) > 0) {
        if (is_watched) remember_size(file, 0);
        real_ftruncate(fd, 0);
    }
    if (dies) die();
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
    char resolved[PATH_MAX];
    if ((flags & O_TMPFILE) == O_TMPFILE || !resolve(at, path, resolved)) return real_openat(at, path, flags, mode);
    pthread_mutex_lock(&mutex);
    int fd = open_watched(at, path, resolved, flags, mode);
    leave(errno);
    return fd;
}

#define MODE                                \
    mode_t mode = 0;                        \
    if (flags & (O_CREAT | O_TMPFILE)) {    \
        va_list rest;                       \
        va_start(rest, flags);              \
        mode = va_arg(rest, mode_t);        \
        va_end(rest);                       \
    }

int open(const char *path, int flags, ...) {
    MODE
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE
    return open_any(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE
    return open_any(at, path, flags, mode);
}

int close(int fd) {
    REAL(int, "close", int);
    detach(fd);
    return real(fd);
}

int unlinkat(int at, const char *path, int flags) {
    char resolved[PATH_MAX];
    if ((flags & AT_REMOVEDIR) || !resolve(at, path, resolved) || ends_with(resolved, "-shm"))
        return real_unlinkat(at, path, flags);
    pthread_mutex_lock(&mutex);
    int result = -1;
    if (!fails(FAIL_NAMES)) {
        bool dies = dies_after_point();
        char *grave = bury(resolved);
        result = real_unlinkat(at, path, flags);
        int failure = errno;
        if (result == 0)
            remember_naming((struct naming){.what = REMOVED, .path = copy_of(resolved), .grave = grave});
        if (dies) die();
        errno = failure;
    }
    leave(errno);
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rename(const char *from, const char *to) {
    char before[PATH_MAX], after[PATH_MAX];
    if (!resolve(AT_FDCWD, from, before) || !resolve(AT_FDCWD, to, after)) return real_rename(from, to);
    pthread_mutex_lock(&mutex);
    int result = -1;
    if (!fails(FAIL_NAMES)) {
        bool dies = dies_after_point();
        char *grave = bury(after);
        result = real_rename(from, to);
        int failure = errno;
        if (result == 0)
            remember_naming((struct naming){
                .what = RENAMED, .path = copy_of(before), .new_path = copy_of(after), .grave = grave});
        if (dies) die();
        errno = failure;
    }
    leave(errno);
    return result;
}

/* Getting going. */

static void on_signal(int signal) {
    (void)signal;
    sem_post(&cut_wanted);
}

static void *wait_for_signal(void *unused) {
    while (sem_wait(&cut_wanted) != 0) {
    }
    pthread_mutex_lock(&mutex);
    die();
    return unused;
}

static void map_control(const char *path) {
    int fd = real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) fatal("the control file");
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) fatal("the map of the control file");
    control = mapped;
    records = get(&control->record) != 0;
}

__attribute__((constructor)) static void load(void) {
    const char *directory = getenv("CRASH_SHIM_DIR"), *path = getenv("CRASH_SHIM_CONTROL");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t waiter;
    if (!directory || !path) return;
    watch_below(directory);
    set_graves(path);
    if (sem_init(&cut_wanted, 0, 0) != 0 || sigaction(SIGUSR2, &action, NULL) != 0 ||
        pthread_create(&waiter, NULL, wait_for_signal, NULL) != 0)
        fatal("the thread that waits for a signal");
    map_control(path);
    count(&control->loaded, 1);
}
