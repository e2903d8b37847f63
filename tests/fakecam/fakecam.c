/*
 * A camera without a driver: preloaded into a process, it makes /dev/video0 appear as a V4L2 camera->
 *
 *     cc -shared -fPIC -O2 -o fakecam.so fakecam.c -ldl -lpthread
 *     LD_PRELOAD=./fakecam.so PROGRAM
 *
 * It stands in for one well-behaved driver: YUYV at three sizes, 30 and 15 pictures a second, memory-mapped
 * buffers, colour bars with a moving square. Buffers live in a memfd, so that the program's own mmap works.
 * Environment: FAKECAM_UNPLUG_AFTER=N makes every call fail with ENODEV after N pictures, as when the plug is pulled.
 * FAKECAM_BUSY=1 makes it impossible to open; FAKECAM_EXCLUSIVE=1 does so while it gives pictures to somebody.
 * FAKECAM_SPARE=1 adds /dev/video1: while the first is unplugged its node is gone, and with FAKECAM_PLUG_AFTER=N it is
 * there again once both have given N pictures. FAKECAM_ABSENT=FILE: neither is there while that file is.
 * FAKECAM_HANG_AFTER=N and FAKECAM_HANG_MS=T: once the first has given N pictures it gives none for T ms, without an error.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BUFFERS = 8, MAX_FILES = 16, PAGE = 4096, SQUARE = 160, LARGEST = 1920 * 1080 * 2 };

static const struct { int width, height; } SIZES[] = { { 640, 480 }, { 1280, 720 }, { 1920, 1080 } };
static const int RATES[] = { 30, 15 };
static const char *const NAMES[] = { "Fake Camera", "Spare Camera" };

/* The two cameras, of which many may ask and one may take pictures. Guarded by `lock`, except while pictures are painted. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct camera {
    int number;
    int owner; /* the file that has the buffers */
    int width, height, rate;
    unsigned buffers;
    bool streaming;
    unsigned queued[MAX_BUFFERS], queue_length;
    unsigned long long given;
    struct timespec due;
    unsigned char *memory;
} cameras[2] = {
    { .owner = -1, .number = 0, .width = 1280, .height = 720, .rate = 30 },
    { .owner = -1, .number = 1, .width = 1280, .height = 720, .rate = 30 },
};

/* ---- what the process would have called, had we not been in between ---- */

typedef long (*syscall_function)(long, ...);

static long kernel(long number, long a, long b, long c, long d, long e, long f)
{
    static syscall_function next;
    if (!next)
        next = (syscall_function)dlsym(RTLD_NEXT, "syscall");
    return next(number, a, b, c, d, e, f);
}

static int fail(int error)
{
    errno = error;
    return -1;
}

/* Open files of cameras; a descriptor of 0 is none. */
static struct { int fd; struct camera *camera; } files[MAX_FILES];

static struct camera *camera_of(int fd)
{
    for (int i = 0; fd > 0 && i < MAX_FILES; i++)
        if (files[i].fd == fd)
            return files[i].camera;
    return NULL;
}

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool reached(const char *variable)
{
    const char *pictures = getenv(variable);
    return pictures && cameras[0].given + cameras[1].given >= strtoull(pictures, NULL, 10);
}

/* The first camera; the spare one stays. */
static bool pulled_out(void)
{
    return reached("FAKECAM_UNPLUG_AFTER") && !reached("FAKECAM_PLUG_AFTER");
}

static bool unplugged(const struct camera *camera)
{
    return camera->number == 0 && pulled_out();
}

static bool has_node(int number)
{
    bool spare = getenv("FAKECAM_SPARE");
    const char *absent = getenv("FAKECAM_ABSENT");
    if (absent && !access(absent, F_OK))
        return false;
    return number == 0 ? !(spare && pulled_out()) : spare;
}

/* From its N-th picture on, the first camera gives none for a while. */
static bool hangs(const struct camera *camera)
{
    static long long since;
    const char *after = getenv("FAKECAM_HANG_AFTER"), *lasts = getenv("FAKECAM_HANG_MS");
    if (!after || !lasts || camera->number != 0 || camera->given < strtoull(after, NULL, 10))
        return false;
    if (!since)
        since = milliseconds();
    return milliseconds() - since < atoll(lasts);
}

static size_t buffer_size(const struct camera *camera)
{
    return ((size_t)camera->width * camera->height * 2 + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* ---- opening and closing ---- */

static int open_camera(struct camera *camera)
{
    if (getenv("FAKECAM_BUSY") || (getenv("FAKECAM_EXCLUSIVE") && camera->streaming))
        return fail(EBUSY);
    if (!has_node(camera->number))
        return fail(ENOENT);
    int fd = memfd_create("fakecam", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)MAX_BUFFERS * (LARGEST + PAGE)) < 0)
        return -1;
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < MAX_FILES && files[i].fd)
        i++;
    if (i < MAX_FILES) {
        files[i].camera = camera;
        files[i].fd = fd;
    }
    pthread_mutex_unlock(&lock);
    return i < MAX_FILES ? fd : fail(EMFILE);
}

static int open_name(int number)
{
    int fd = memfd_create("fakecam-name", MFD_CLOEXEC);
    if (fd < 0 || write(fd, NAMES[number], strlen(NAMES[number])) < 0 || write(fd, "\n", 1) < 0)
        return -1;
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int open_any(const char *path, int flags, mode_t mode)
{
    for (int number = 0; path && number < 2; number++) {
        char node[] = "/dev/video0", name[] = "/sys/class/video4linux/video0/name";
        *strchr(node, '0') = *strchr(name, '0') = (char)('0' + number);
        if (!strcmp(path, node) && (number == 0 || has_node(number)))
            return open_camera(&cameras[number]);
        if (!strcmp(path, name) && has_node(number))
            return open_name(number);
    }
    return (int)kernel(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

#define INTERPOSE_OPEN(name)                                  \
    int name(const char *path, int flags, ...)                \
    {                                                         \
        mode_t mode = 0;                                      \
        if (flags & (O_CREAT | O_TMPFILE)) {                  \
            va_list rest;                                     \
            va_start(rest, flags);                            \
            mode = va_arg(rest, mode_t);                      \
            va_end(rest);                                     \
        }                                                     \
        return open_any(path, flags, mode);                   \
    }

INTERPOSE_OPEN(open)
INTERPOSE_OPEN(open64)

static void let_go(struct camera *camera)
{
    camera->owner = -1;
    camera->streaming = false;
    camera->buffers = camera->queue_length = 0;
    if (camera->memory)
        munmap(camera->memory, MAX_BUFFERS * buffer_size(camera));
    camera->memory = NULL;
}

int close(int fd)
{
    struct camera *camera = camera_of(fd);
    if (camera) {
        pthread_mutex_lock(&lock);
        for (int i = 0; i < MAX_FILES; i++)
            if (files[i].fd == fd)
                files[i].fd = 0;
        if (camera->owner == fd)
            let_go(camera);
        pthread_mutex_unlock(&lock);
    }
    return (int)kernel(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* ---- "video0" and "video1" in listings of /dev ---- */

static DIR *listing_of_dev;
static int listed;

DIR *opendir(const char *path)
{
    static DIR *(*next)(const char *);
    if (!next)
        next = (DIR *(*)(const char *))dlsym(RTLD_NEXT, "opendir");
    DIR *listing = next(path);
    if (listing && !strcmp(path, "/dev")) {
        listing_of_dev = listing;
        listed = 0;
    }
    return listing;
}

struct dirent64 *readdir64(DIR *listing)
{
    static struct dirent64 *(*next)(DIR *);
    static struct dirent64 ours = { .d_ino = 4242, .d_reclen = sizeof ours, .d_type = DT_CHR, .d_name = "video0" };
    if (!next)
        next = (struct dirent64 *(*)(DIR *))dlsym(RTLD_NEXT, "readdir64");
    struct dirent64 *entry = next(listing);
    if (entry || listing != listing_of_dev)
        return entry;
    while (listed < 2) {
        ours.d_name[5] = (char)('0' + listed);
        if (has_node(listed++))
            return &ours;
    }
    return NULL;
}

/* ---- pictures ---- */

static void paint(const struct camera *camera, unsigned char *picture, unsigned long long sequence)
{
    int left = (int)(sequence * 8 % (unsigned)(camera->width - SQUARE));
    int top = (int)(sequence * 4 % (unsigned)(camera->height - SQUARE));
    for (int y = 0; y < camera->height; y++) {
        unsigned char *row = picture + (size_t)y * camera->width * 2;
        bool beside = y >= top && y < top + SQUARE;
        for (int x = 0; x < camera->width; x += 2) {
            int bar = x * 8 / camera->width;
            bool inside = beside && x >= left && x < left + SQUARE;
            /* the low bits are a texture: a plain area would cost the encoder nothing */
            int luma = inside ? 235 : 16 + (7 - bar) * 219 / 7 + ((x ^ y) & 3);
            row[x * 2] = row[x * 2 + 2] = (unsigned char)luma;
            row[x * 2 + 1] = (unsigned char)(inside ? 90 : 80 + bar * 37 % 97);
            row[x * 2 + 3] = (unsigned char)(inside ? 200 : 80 + bar * 59 % 97);
        }
    }
}

/* Waits for the next picture's time, then fills the buffer that was queued first. */
static int dequeue(struct camera *camera, struct v4l2_buffer *buffer)
{
    pthread_mutex_lock(&lock);
    if (!camera->queue_length || !camera->streaming) {
        pthread_mutex_unlock(&lock);
        return fail(EAGAIN);
    }
    unsigned index = camera->queued[0];
    memmove(camera->queued, camera->queued + 1, --camera->queue_length * sizeof *camera->queued);
    struct timespec due = camera->due;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > due.tv_sec + 1)
        due = camera->due = now; /* it hung: what was missed does not come after */
    camera->due.tv_nsec += 1000000000L / camera->rate;
    if (camera->due.tv_nsec >= 1000000000L) {
        camera->due.tv_nsec -= 1000000000L;
        camera->due.tv_sec++;
    }
    pthread_mutex_unlock(&lock);

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    paint(camera, camera->memory + index * buffer_size(camera), camera->given);
    buffer->index = index;
    buffer->bytesused = buffer->length = (unsigned)(camera->width * camera->height * 2);
    buffer->sequence = (unsigned)camera->given++;
    buffer->field = V4L2_FIELD_NONE;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = due.tv_sec;
    buffer->timestamp.tv_usec = due.tv_nsec / 1000;
    return 0;
}

/* ---- the driver's side of each request ---- */

static int query_capabilities(const struct camera *camera, struct v4l2_capability *c)
{
    memset(c, 0, sizeof *c);
    strcpy((char *)c->driver, "fakecam");
    strcpy((char *)c->card, NAMES[camera->number]);
    strcpy((char *)c->bus_info, "fake:0");
    c->version = 0x60000;
    c->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    c->capabilities = c->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
}

static int enumerate_format(struct v4l2_fmtdesc *f)
{
    if (f->index > 0 || f->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return fail(EINVAL);
    f->flags = 0;
    strcpy((char *)f->description, "YUYV 4:2:2");
    f->pixelformat = V4L2_PIX_FMT_YUYV;
    return 0;
}

static int enumerate_size(struct v4l2_frmsizeenum *f)
{
    if (f->index >= sizeof SIZES / sizeof *SIZES || f->pixel_format != V4L2_PIX_FMT_YUYV)
        return fail(EINVAL);
    f->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    f->discrete.width = (unsigned)SIZES[f->index].width;
    f->discrete.height = (unsigned)SIZES[f->index].height;
    return 0;
}

static int enumerate_interval(struct v4l2_frmivalenum *f)
{
    if (f->index >= sizeof RATES / sizeof *RATES)
        return fail(EINVAL);
    f->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    f->discrete.numerator = 1;
    f->discrete.denominator = (unsigned)RATES[f->index];
    return 0;
}

/* A driver changes what it cannot do into the nearest thing that it can. */
static int format(struct camera *camera, struct v4l2_format *f, bool set)
{
    if (f->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return fail(EINVAL);
    if (set) {
        size_t nearest = 0;
        while (nearest + 1 < sizeof SIZES / sizeof *SIZES && (int)f->fmt.pix.width > SIZES[nearest].width)
            nearest++;
        camera->width = SIZES[nearest].width;
        camera->height = SIZES[nearest].height;
    }
    memset(&f->fmt.pix, 0, sizeof f->fmt.pix);
    f->fmt.pix.width = (unsigned)camera->width;
    f->fmt.pix.height = (unsigned)camera->height;
    f->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    f->fmt.pix.field = V4L2_FIELD_NONE;
    f->fmt.pix.bytesperline = (unsigned)camera->width * 2;
    f->fmt.pix.sizeimage = (unsigned)(camera->width * camera->height * 2);
    f->fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
    return 0;
}

static int parameters(struct camera *camera, struct v4l2_streamparm *p, bool set)
{
    struct v4l2_fract *interval = &p->parm.capture.timeperframe;
    if (set && interval->numerator)
        camera->rate = interval->denominator / interval->numerator >= 30 ? 30 : 15;
    p->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    interval->numerator = 1;
    interval->denominator = (unsigned)camera->rate;
    return 0;
}

static int request_buffers(struct camera *camera, int fd, struct v4l2_requestbuffers *r)
{
    if (r->memory != V4L2_MEMORY_MMAP)
        return fail(EINVAL);
    if (r->count > MAX_BUFFERS)
        r->count = MAX_BUFFERS;
    r->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
    if (!r->count) {
        let_go(camera);
        return 0;
    }
    camera->owner = fd;
    camera->buffers = r->count;
    camera->queue_length = 0;
    if (!camera->memory) {
        void *memory = mmap(NULL, MAX_BUFFERS * buffer_size(camera), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            return -1;
        camera->memory = memory;
    }
    return 0;
}

static int query_buffer(const struct camera *camera, struct v4l2_buffer *b)
{
    if (b->index >= camera->buffers)
        return fail(EINVAL);
    b->length = (unsigned)(camera->width * camera->height * 2);
    b->m.offset = (unsigned)(b->index * buffer_size(camera));
    b->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    return 0;
}

static int queue(struct camera *camera, const struct v4l2_buffer *b)
{
    if (b->index >= camera->buffers)
        return fail(EINVAL);
    pthread_mutex_lock(&lock);
    if (camera->queue_length < MAX_BUFFERS)
        camera->queued[camera->queue_length++] = b->index;
    pthread_mutex_unlock(&lock);
    return 0;
}

static int request(struct camera *camera, int fd, unsigned long number, void *argument)
{
    if (unplugged(camera))
        return fail(ENODEV);
    /* What changes the stream is for whoever has it. */
    bool changes = number == VIDIOC_S_FMT || number == VIDIOC_S_PARM || number == VIDIOC_REQBUFS;
    if (changes && camera->owner >= 0 && camera->owner != fd)
        return fail(EBUSY);
    switch (number) {
    case VIDIOC_QUERYCAP: return query_capabilities(camera, argument);
    case VIDIOC_ENUM_FMT: return enumerate_format(argument);
    case VIDIOC_ENUM_FRAMESIZES: return enumerate_size(argument);
    case VIDIOC_ENUM_FRAMEINTERVALS: return enumerate_interval(argument);
    case VIDIOC_G_FMT: return format(camera, argument, false);
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT: return format(camera, argument, true);
    case VIDIOC_G_PARM: return parameters(camera, argument, false);
    case VIDIOC_S_PARM: return parameters(camera, argument, true);
    case VIDIOC_REQBUFS: return request_buffers(camera, fd, argument);
    case VIDIOC_QUERYBUF: return query_buffer(camera, argument);
    case VIDIOC_QBUF: return queue(camera, argument);
    case VIDIOC_DQBUF: return dequeue(camera, argument);
    case VIDIOC_STREAMON:
        camera->streaming = true;
        clock_gettime(CLOCK_MONOTONIC, &camera->due);
        return 0;
    case VIDIOC_STREAMOFF:
        camera->streaming = false;
        camera->queue_length = 0;
        return 0;
    default:
        return fail((number >> 8 & 0xff) == 'V' ? EINVAL : ENOTTY);
    }
}

/* ---- the three ways in which programs reach a driver ---- */

int ioctl(int fd, unsigned long number, ...)
{
    va_list rest;
    va_start(rest, number);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    struct camera *camera = camera_of(fd);
    return camera ? request(camera, fd, number, argument) : (int)kernel(SYS_ioctl, fd, (long)number, (long)argument, 0, 0, 0);
}

/* Some libraries issue their ioctls through syscall(). */
long syscall(long number, ...)
{
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    struct camera *camera = number == SYS_ioctl ? camera_of((int)a[0]) : NULL;
    if (camera)
        return request(camera, (int)a[0], (unsigned long)a[1], (void *)a[2]);
    return kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A picture is always on its way, and DQBUF waits for it, unless the camera hangs. */
int poll(struct pollfd *entries, nfds_t count, int timeout)
{
    static int (*next)(struct pollfd *, nfds_t, int);
    struct camera *camera = count == 1 ? camera_of(entries[0].fd) : NULL;
    if (camera) {
        for (long long until = milliseconds() + timeout; hangs(camera) && !unplugged(camera);) {
            if (timeout >= 0 && milliseconds() >= until)
                return 0;
            usleep(5000);
        }
        entries[0].revents = unplugged(camera) ? POLLERR : (short)(entries[0].events & (POLLIN | POLLOUT));
        return 1;
    }
    if (!next)
        next = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
    return next(entries, count, timeout);
}
