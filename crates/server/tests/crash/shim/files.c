/* Which files are watched, and the calls of the C library behind ours. */
#include "shim.h"

#define MAX_FD 65536

struct control *control;
struct file *all_files;
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
bool records;

static char watched[PATH_MAX];
static struct file *by_fd[MAX_FD];

void fatal(const char *what) {
    fprintf(stderr, "crash shim: %s: %s\n", what, strerror(errno));
    abort();
}

void *allocate(void *old, size_t bytes) {
    void *memory = realloc(old, bytes);
    if (!memory) fatal("out of memory");
    return memory;
}

char *copy_of(const char *text) {
    char *copy = strdup(text);
    if (!copy) fatal("out of memory");
    return copy;
}

bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), ending = strlen(end);
    return length >= ending && strcmp(text + length - ending, end) == 0;
}

uint64_t size_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) fatal("fstat");
    return (uint64_t)status.st_size;
}

ssize_t real_pread(int fd, void *bytes, size_t length, off_t offset) {
    REAL(ssize_t, "pread64", int, void *, size_t, off_t);
    return real(fd, bytes, length, offset);
}

ssize_t real_pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    return real(fd, bytes, length, offset);
}

int real_ftruncate(int fd, off_t length) {
    REAL(int, "ftruncate64", int, off_t);
    return real(fd, length);
}

int real_openat(int at, const char *path, int flags, mode_t mode) {
    REAL(int, "openat64", int, const char *, int, ...);
    return real(at, path, flags, mode);
}

int real_unlinkat(int at, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return real(at, path, flags);
}

int real_rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return real(from, to);
}

void watch_below(const char *directory) {
    if (!realpath(directory, watched)) fatal("the directory to watch");
}

static bool is_below(const char *path) {
    size_t length = strlen(watched);
    return strncmp(path, watched, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static struct file *find(const struct stat *status) {
    for (struct file *file = all_files; file; file = file->next)
        if (file->device == status->st_dev && file->inode == status->st_ino) return file;
    return NULL;
}

static struct file *new_file(int fd, const char *path, const struct stat *status) {
    struct file *file = allocate(NULL, sizeof *file);
    *file = (struct file){
        .device = status->st_dev,
        .inode = status->st_ino,
        .is_directory = S_ISDIR(status->st_mode),
        .is_wal = ends_with(path, "-wal"),
        /* SQLite maps this one and makes it again. */
        .is_ignored = ends_with(path, "-shm") || !(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)),
        .own_fd = -1,
        .next = all_files,
    };
    if (S_ISREG(status->st_mode) && !file->is_ignored) {
        char own[64];
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        file->own_fd = real_openat(AT_FDCWD, own, O_RDWR | O_CLOEXEC, 0);
        if (file->own_fd < 0) fatal("a descriptor of our own");
    }
    all_files = file;
    return file;
}

struct file *attach(int fd, char *path) {
    char link[64];
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (fd >= MAX_FD || length < 0) return NULL;
    path[length] = '\0';
    if (!is_below(path) || fstat(fd, &status) != 0) return NULL;
    struct file *file = find(&status);
    if (!file) file = new_file(fd, path, &status);
    __atomic_store_n(&by_fd[fd], file, __ATOMIC_RELEASE);
    return file;
}

void detach(int fd) {
    if (fd >= 0 && fd < MAX_FD) __atomic_store_n(&by_fd[fd], NULL, __ATOMIC_RELEASE);
}

struct file *file_of(int fd) {
    if (!control || fd < 0 || fd >= MAX_FD) return NULL;
    struct file *file = __atomic_load_n(&by_fd[fd], __ATOMIC_ACQUIRE);
    return file && !file->is_ignored ? file : NULL;
}

/* The kernel's path of what is named, also when there is no such file yet. */
bool resolve(int at, const char *path, char *resolved) {
    char given[PATH_MAX] = "", directory[PATH_MAX];
    if (!control) return false;
    if (path[0] != '/' && at != AT_FDCWD) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, given, sizeof given - 2);
        if (length < 0) return false;
        memcpy(given + length, "/", 2);
    }
    size_t prefix = strlen(given);
    if (prefix + strlen(path) >= sizeof given) return false;
    strcpy(given + prefix, path);
    char *slash = strrchr(given, '/');
    const char *name = slash ? slash + 1 : given;
    if (!slash) {
        if (!realpath(".", directory)) return false;
    } else {
        char kept = slash[1];
        slash[1] = '\0'; /* with its slash, so that the root stays the root */
        bool found = realpath(given, directory) != NULL;
        slash[1] = kept;
        if (!found) return false;
    }
    if (strlen(directory) + 1 + strlen(name) >= PATH_MAX) return false;
    strcpy(resolved, directory);
    strcat(strcat(resolved, "/"), name);
    return is_below(resolved);
}
