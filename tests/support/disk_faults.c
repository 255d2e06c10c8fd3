/* Makes the disk below a folder fail, for tests: loaded before the C library (LD_PRELOAD), it answers the system calls
 * that write to files below VERBATIM_TEST_DISK as the word in the file VERBATIM_TEST_DISK_FAULT says. Without that file
 * the disk works.
 *
 *   EIO      writing and flushing fail
 *   dead     reading fails too
 *   torn     half of each write reaches the file, and then it fails; flushing fails
 *   ENOSPC   no write fits
 *   EROFS    nothing can be written or opened for writing
 *   slow N   each write and flush takes N milliseconds longer
 *
 * After the word " tables" the event log's files (events.db) work.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum fault { NONE, IO_ERROR, DEAD, TORN, NO_SPACE, READ_ONLY, SLOW };

static enum fault current(long *milliseconds, int *spares_log) {
    const char *control = getenv("VERBATIM_TEST_DISK_FAULT");
    if (control == NULL) return NONE;
    int file = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return NONE;
    char word[64] = {0};
    ssize_t length = syscall(SYS_read, file, word, sizeof word - 1);
    syscall(SYS_close, file);
    if (length <= 0) return NONE;
    *spares_log = strstr(word, " tables") != NULL;
    if (strncmp(word, "EIO", 3) == 0) return IO_ERROR;
    if (strncmp(word, "dead", 4) == 0) return DEAD;
    if (strncmp(word, "torn", 4) == 0) return TORN;
    if (strncmp(word, "ENOSPC", 6) == 0) return NO_SPACE;
    if (strncmp(word, "EROFS", 5) == 0) return READ_ONLY;
    if (strncmp(word, "slow", 4) == 0) {
        *milliseconds = atol(word + 4);
        return SLOW;
    }
    return NONE;
}

static int is_below(const char *path, int spares_log) {
    const char *folder = getenv("VERBATIM_TEST_DISK");
    return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0
        && !(spares_log && strstr(path, "events.db") != NULL);
}

/* The fault of an open file. A slow disk has made its caller wait when this returns. */
static enum fault of_file(int file) {
    int before = errno;
    long milliseconds = 0;
    int spares_log = 0;
    enum fault fault = current(&milliseconds, &spares_log);
    if (fault != NONE) {
        char link[64] = "/proc/self/fd/", path[4096] = {0};
        char digits[16];
        int at = 0, number = file;
        do digits[at++] = (char)('0' + number % 10); while ((number /= 10) > 0);
        size_t end = strlen(link);
        while (at > 0) link[end++] = digits[--at];
        link[end] = 0;
        if (readlink(link, path, sizeof path - 1) < 0 || !is_below(path, spares_log)) fault = NONE;
    }
    if (fault == SLOW) {
        struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
        nanosleep(&wait, NULL);
        fault = NONE;
    }
    errno = before;
    return fault;
}

static int fails(enum fault fault) {
    switch (fault) {
        case NONE: case SLOW: return 0;
        case IO_ERROR: case DEAD: case TORN: errno = EIO; return 1;
        case NO_SPACE: errno = ENOSPC; return 1;
        case READ_ONLY: errno = EROFS; return 1;
    }
    return 0;
}

#define REAL(name, type, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t size) {
    enum fault fault = of_file(file);
    if (fault == TORN) REAL(write, ssize_t, int, const void *, size_t)(file, bytes, size / 2);
    return fails(fault) ? -1 : REAL(write, ssize_t, int, const void *, size_t)(file, bytes, size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    enum fault fault = of_file(file);
    if (fault == TORN) REAL(pwrite, ssize_t, int, const void *, size_t, off_t)(file, bytes, size / 2, at);
    return fails(fault) ? -1 : REAL(pwrite, ssize_t, int, const void *, size_t, off_t)(file, bytes, size, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) { return pwrite(file, bytes, size, at); }

ssize_t writev(int file, const struct iovec *parts, int count) {
    return fails(of_file(file)) ? -1 : REAL(writev, ssize_t, int, const struct iovec *, int)(file, parts, count);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    return fails(of_file(file)) ? -1
        : REAL(pwritev, ssize_t, int, const struct iovec *, int, off_t)(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t at) { return pwritev(file, parts, count, at); }

static int cannot_read(int file) {
    if (of_file(file) != DEAD) return 0;
    errno = EIO;
    return 1;
}

ssize_t read(int file, void *bytes, size_t size) {
    return cannot_read(file) ? -1 : REAL(read, ssize_t, int, void *, size_t)(file, bytes, size);
}

ssize_t pread(int file, void *bytes, size_t size, off_t at) {
    return cannot_read(file) ? -1 : REAL(pread, ssize_t, int, void *, size_t, off_t)(file, bytes, size, at);
}

ssize_t pread64(int file, void *bytes, size_t size, off_t at) { return pread(file, bytes, size, at); }

int fsync(int file) {
    enum fault fault = of_file(file);
    return fault != NO_SPACE && fails(fault) ? -1 : REAL(fsync, int, int)(file);
}

int fdatasync(int file) {
    enum fault fault = of_file(file);
    return fault != NO_SPACE && fails(fault) ? -1 : REAL(fdatasync, int, int)(file);
}

int ftruncate(int file, off_t size) {
    return fails(of_file(file)) ? -1 : REAL(ftruncate, int, int, off_t)(file, size);
}

int ftruncate64(int file, off_t size) { return ftruncate(file, size); }

int posix_fallocate(int file, off_t at, off_t size) {
    return fails(of_file(file)) ? errno : REAL(posix_fallocate, int, int, off_t, off_t)(file, at, size);
}

int posix_fallocate64(int file, off_t at, off_t size) { return posix_fallocate(file, at, size); }

static int may_not_open(const char *path, int flags) {
    long milliseconds = 0;
    int spares_log = 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    if (!writes || current(&milliseconds, &spares_log) != READ_ONLY || !is_below(path, spares_log)) return 0;
    errno = EROFS;
    return 1;
}

#define MODE(flags, last)                                        \
    mode_t mode = 0;                                             \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                \
        va_list more;                                            \
        va_start(more, last);                                    \
        mode = va_arg(more, mode_t);                             \
        va_end(more);                                            \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    if (may_not_open(path, flags)) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    if (may_not_open(path, flags)) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE(flags, flags)
    if (may_not_open(path, flags)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags, flags)
    if (may_not_open(path, flags)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}
