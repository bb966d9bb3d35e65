/* The wall clock of a process, with seconds added to it.

   Loaded before the C library (LD_PRELOAD). The file that SDP_CLOCKS names has a 32-bit number of
   seconds for each process id, and may change at any time. What measures how much time passes is
   as it was. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int32_t none = 0;
static const volatile int32_t *seconds = &none;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SDP_CLOCKS");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  struct stat found;
  off_t at = (off_t)getpid() * (off_t)sizeof(int32_t);
  if (file < 0) return;
  if (fstat(file, &found) == 0 && at < found.st_size) {
    void *table = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (table != MAP_FAILED) seconds = (const int32_t *)table + getpid();
  }
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += *seconds;
  }
  return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec found;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &found)) return -1;
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec found;
  if (clock_gettime(CLOCK_REALTIME, &found)) return -1;
  if (now) *now = found.tv_sec;
  return found.tv_sec;
}

/* Waits until a time of the wall clock: the kernel's has no seconds added. */
int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
  static int (*real)(sem_t *, const struct timespec *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sem_timedwait");
  struct timespec moved = {until->tv_sec - *seconds, until->tv_nsec};
  return real(semaphore, &moved);
}
