/* What can be taken back, and dying.
 *
 * Safe are the bytes and the size of a file as they were when it was last synced, its name since the file or its
 * directory was synced, and the removal or change of a name since the directory was synced. When the power goes, all
 * of the rest is lost, or each sector of each write and each change of a name and a size by itself, at random.
 */
#include "shim.h"

#include <signal.h>

#define SECTOR 512

static char grave_prefix[PATH_MAX];
static struct naming *namings;
static size_t naming_count, naming_capacity;
static uint64_t random_state;

void set_graves(const char *control_path) {
    snprintf(grave_prefix, sizeof grave_prefix, "%.*s.grave", PATH_MAX - 100, control_path);
}

/* Remembering. */

static struct change *add_change(struct file *file) {
    if (file->length == file->capacity) {
        file->capacity = file->capacity ? 2 * file->capacity : 64;
        file->changes = allocate(file->changes, file->capacity * sizeof *file->changes);
    }
    struct change *change = &file->changes[file->length++];
    *change = (struct change){.size_before = size_of(file->own_fd)};
    return change;
}

static void keep_old(struct file *file, struct change *change, uint64_t offset, uint64_t end) {
    if (end > change->size_before) end = change->size_before;
    if (offset >= end) return;
    change->old_length = (size_t)(end - offset);
    change->old_bytes = allocate(NULL, change->old_length);
    ssize_t length = real_pread(file->own_fd, change->old_bytes, change->old_length, (off_t)offset);
    if (length != (ssize_t)change->old_length) fatal("reading what is overwritten");
}

void remember_write(struct file *file, const void *bytes, size_t length, uint64_t offset) {
    if (!records || file->own_fd < 0) return;
    struct change *change = add_change(file);
    change->is_write = true;
    change->offset = offset;
    keep_old(file, change, offset, offset + length);
    change->new_length = length;
    change->new_bytes = allocate(NULL, length + 1);
    memcpy(change->new_bytes, bytes, length);
}

void remember_size(struct file *file, uint64_t size) {
    if (!records || file->own_fd < 0) return;
    struct change *change = add_change(file);
    change->size_after = size;
    keep_old(file, change, size, change->size_before);
}

void remember_naming(struct naming naming) {
    count(&control->names, 1);
    if (!records) return;
    if (naming_count == naming_capacity) {
        naming_capacity = naming_capacity ? 2 * naming_capacity : 64;
        namings = allocate(namings, naming_capacity * sizeof *namings);
    }
    namings[naming_count++] = naming;
}

char *bury(const char *path) {
    static unsigned graves;
    char grave[PATH_MAX + 40];
    if (!records) return NULL;
    snprintf(grave, sizeof grave, "%s.%d.%u", grave_prefix, getpid(), graves++);
    return link(path, grave) == 0 ? copy_of(grave) : NULL;
}

static bool is_in(const struct file *directory, const char *path) {
    char parent[PATH_MAX];
    struct stat status;
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = '\0';
    return stat(parent, &status) == 0 && status.st_dev == directory->device && status.st_ino == directory->inode;
}

/* A file or a directory was synced; the first `changes` of its changes were there when that began. */
void make_safe(struct file *file, size_t changes) {
    /* Of two syncs at once the first to end has forgotten some already. */
    if (changes > file->length) changes = file->length;
    for (size_t i = 0; i < changes; i++) {
        free(file->changes[i].old_bytes);
        free(file->changes[i].new_bytes);
    }
    file->length -= changes;
    if (changes > 0) memmove(file->changes, file->changes + changes, file->length * sizeof *file->changes);
    for (size_t i = 0; i < naming_count; i++) {
        struct naming *naming = &namings[i];
        bool is_own = naming->what == MADE && naming->file == file;
        if (is_own || (file->is_directory && is_in(file, naming->path))) naming->is_safe = true;
    }
}

/* Taking back. */

static void put(struct file *file, const uint8_t *bytes, size_t length, uint64_t offset) {
    if (length > 0 && real_pwrite(file->own_fd, bytes, length, (off_t)offset) != (ssize_t)length) fatal("undo");
}

static void resize(struct file *file, uint64_t size) {
    if (real_ftruncate(file->own_fd, (off_t)size) != 0) fatal("undo of a size");
}

static void undo(struct file *file) {
    for (size_t i = file->length; i-- > 0;) {
        struct change *change = &file->changes[i];
        put(file, change->old_bytes, change->old_length, change->is_write ? change->offset : change->size_after);
        resize(file, change->size_before);
    }
}

static uint64_t next_random(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool reached_the_disk(uint64_t odds) { return next_random() % 256 < odds; }

/* Returns whether all of it reached the disk. */
static bool redo_some_sectors(struct file *file, const struct change *write, uint64_t odds) {
    bool is_whole = true;
    for (size_t at = 0; at < write->new_length;) {
        uint64_t offset = write->offset + at;
        size_t length = SECTOR - offset % SECTOR;
        if (length > write->new_length - at) length = write->new_length - at;
        if (reached_the_disk(odds)) {
            put(file, write->new_bytes + at, length, offset);
        } else {
            is_whole = false;
        }
        at += length;
    }
    return is_whole;
}

static void redo_some(struct file *file, uint64_t odds) {
    for (size_t i = 0; i < file->length; i++) {
        struct change *change = &file->changes[i];
        bool is_whole;
        if (change->is_write) {
            is_whole = redo_some_sectors(file, change, odds);
        } else if ((is_whole = reached_the_disk(odds))) {
            resize(file, change->size_after);
        }
        if (!is_whole) count(&control->lost_writes, 1);
    }
}

static bool concerns(const struct naming *naming, const char *path) {
    return path && (strcmp(naming->path, path) == 0 || (naming->new_path && strcmp(naming->new_path, path) == 0));
}

/* Whether a later change of one of its names has reached the disk, and this one with it. */
static bool is_settled(size_t at) {
    const struct naming *naming = &namings[at];
    for (size_t i = at + 1; i < naming_count; i++)
        if (namings[i].is_safe && (concerns(&namings[i], naming->path) || concerns(&namings[i], naming->new_path)))
            return true;
    return naming->is_safe;
}

static void undo_naming(const struct naming *naming) {
    switch (naming->what) {
    case MADE:
        real_unlinkat(AT_FDCWD, naming->path, 0);
        break;
    case REMOVED:
        if (naming->grave) real_rename(naming->grave, naming->path);
        break;
    case RENAMED:
        real_rename(naming->new_path, naming->path);
        if (naming->grave) real_rename(naming->grave, naming->new_path);
        break;
    }
    count(&control->lost_names, 1);
}

static void lose_power(void) {
    static const uint64_t all_odds[] = {16, 128, 240};
    bool loses_all = get(&control->power) == LOSE_ALL;
    random_state = get(&control->seed);
    uint64_t odds = all_odds[next_random() % 3];
    for (struct file *file = all_files; file; file = file->next) {
        undo(file);
        if (loses_all) {
            count(&control->lost_writes, file->length);
        } else {
            redo_some(file, odds);
        }
    }
    for (size_t i = naming_count; i-- > 0;) {
        namings[i].is_safe = is_settled(i) || (!loses_all && reached_the_disk(odds));
        if (!namings[i].is_safe) undo_naming(&namings[i]);
    }
}

void die(void) {
    if (records && get(&control->power) != KEEP_ALL) lose_power();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}
