#!/usr/bin/env bash
# Runs a command in a throw-away virtual machine that has real Linux drivers: two V4L2 cameras (vivid) and two ALSA
# sound cards (snd-aloop), each of which goes away and comes back by sysfs (unbind, bind). Nothing is installed, no root and no KVM is needed; boot to command takes 10 to 25 s.
#
#   devlab.sh [options] -- COMMAND [ARG...]
#
#     -t SECONDS   end the machine after this long        (default 120)
#     -w DIR       share DIR for writing, at its own path (repeatable; default: the current directory)
#     -m MIB       memory                                 (default 1024)
#     -M LIST      modules to load, separated by semicolons, each with its parameters; vivie is a second copy of vivid,
#                  whose cameras otherwise come and go together
#     -e NAME=VAL  environment variable for COMMAND       (repeatable)
#     -k           keep the run's folder with the kernel log
#     --prepare    only fetch and build the cache
#
# The guest sees the host's file system read-only under an overlay whose writes vanish, so programs run unchanged at
# their own paths. Output and exit status are passed through. Exit 124: time-out; 125: the machine failed.
# Code that uses the processor's vector unit runs 10 to 20 times slower than outside: small pictures, patient waits.
# Cache: $DEVLAB_CACHE (650 MB), filled with `apt-get download`. Needs: apt-get, dpkg-deb, xz.
set -euo pipefail

CACHE=${DEVLAB_CACHE:-$HOME/.cache/devlab}
TOOLS=$CACHE/tools
TIMEOUT=120
MEMORY=1024
MODULES='vivid node_types=0x1 num_inputs=2 input_types=0xc;vivie node_types=0x1 num_inputs=1 input_types=0x0'
MODULES+=';snd-aloop enable=1,1 pcm_substreams=2,1'
KEEP=0
PREPARE=0
SHARED=()
VARIABLES=()

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit "$1"; }

while [ $# -gt 0 ]; do
    case $1 in
        -t) TIMEOUT=$2; shift 2 ;;
        -w) SHARED+=("$(realpath "$2")"); shift 2 ;;
        -m) MEMORY=$2; shift 2 ;;
        -M) MODULES=$2; shift 2 ;;
        -e) VARIABLES+=("$2"); shift 2 ;;
        -k) KEEP=1; shift ;;
        --prepare) PREPARE=1; shift ;;
        -h | --help) usage 0 ;;
        --) shift; break ;;
        *) echo "devlab: unknown option $1" >&2; usage 2 >&2 ;;
    esac
done
[ $PREPARE = 1 ] || [ $# -gt 0 ] || usage 2 >&2
[ ${#SHARED[@]} -gt 0 ] || SHARED=("$PWD")

# ---- the cache: emulator, kernel, initial file system ----

# The emulator with the libraries that a small Debian lacks, and what the guest needs.
PACKAGES="qemu-system-x86 qemu-system-common qemu-system-data seabios ipxe-qemu libcapstone4 libdaxctl1 libndctl6
    libpmem1 libfdt1 libslirp0 libbrlapi0.8 libcacard0 libexecs0 libnl-3-200 libnl-route-3-200 libibverbs1 librdmacm1
    libspice-server1 libusbredirparser1 libvdeplug2 liburing2 libfuse3-3 busybox-static kmod v4l-utils libv4l-0
    libv4lconvert0 alsa-utils libasound2 libasound2-data iproute2 libpixman-1-0 libpng16-16 libjpeg62-turbo libnuma1
    libglib2.0-0 libbpf1 libaio1 libkmod2 libpcre2-8-0 libffi8 libmount1 libblkid1 libelf1"

APT=(-o APT::Sandbox::User=root)

update() {
    mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/archives/partial"
    APT+=(-o "Dir::State::Lists=$CACHE/apt/lists" -o "Dir::Cache=$CACHE/apt")
    apt-get -qq "${APT[@]}" update
}

download() {
    local kernel
    kernel=$(apt-cache "${APT[@]}" depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
    [ -n "$kernel" ] || return 1
    # shellcheck disable=SC2086
    (cd "$CACHE/debs" && apt-get -qq "${APT[@]}" download $kernel $PACKAGES)
}

prepare() {
    # Another list of packages is another cache.
    local done version
    done=$CACHE/complete-$(cksum <<<"$PACKAGES" | cut -d" " -f1)
    [ -e "$done" ] && return
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock 9
    [ -e "$done" ] && return
    echo "devlab: filling $CACHE" >&2
    rm -rf "$CACHE"/{debs,tools,kernel}
    mkdir -p "$CACHE"/{debs,tools,kernel}
    # The system's package lists may be old or empty; then lists of our own, which need no root.
    download 2>/dev/null || { update && download; } || { echo "devlab: apt-get cannot fetch the packages" >&2; exit 125; }
    for package in "$CACHE"/debs/*.deb; do
        case $package in
            */linux-image-*) dpkg-deb -x "$package" "$CACHE/kernel" ;;
            *) dpkg-deb -x "$package" "$TOOLS" ;;
        esac
    done
    rm -rf "$CACHE/debs" "$CACHE/apt"
    version=$(basename "$CACHE"/kernel/lib/modules/*)
    (exec -a depmod "$TOOLS/bin/kmod" -b "$CACHE/kernel" "$version")
    ln -sfn kmod "$TOOLS/bin/modprobe"
    unpack_kernel "$CACHE/kernel/boot/vmlinuz-$version" "$CACHE/vmlinux"
    make_initramfs "$version"
    touch "$done"
}

# The kernel inside its own decompressor, which would be slow in an emulator: booted directly instead.
unpack_kernel() {
    local image=$1 out=$2 magic tool at
    while read -r magic tool; do
        for at in $(LC_ALL=C grep -aboP "$magic" "$image" | cut -d: -f1); do
            # Bytes follow the compressed part, so that the tool always complains about them.
            tail -c +$((at + 1)) "$image" | $tool >"$out" 2>/dev/null || true
            [ "$(head -c 4 "$out" | tail -c 3)" = ELF ] && return
        done
    done <<'FORMATS'
\xfd7zXZ\x00 xz -dc
\x1f\x8b\x08 gzip -dc
\x28\xb5\x2f\xfd zstd -dc
FORMATS
    echo "devlab: cannot unpack the kernel" >&2
    exit 125
}

# busybox, the modules that reach the host's file system, and an init that goes there.
make_initramfs() {
    local version=$1 root=$CACHE/initramfs module
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,proc,sys,ro,rw,root,modules}
    cp "$TOOLS/bin/busybox" "$root/bin/"
    # What vivid and snd-aloop depend on is loaded from memory; those two later, with each run's own parameters.
    for module in virtio_pci virtio_console 9pnet_virtio 9p overlay virtio_rng vivid snd-aloop; do
        (exec -a modprobe "$TOOLS/bin/kmod" -d "$CACHE/kernel" -S "$version" --show-depends "$module") |
            sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r file; do
                case $file in */vivid.ko | */snd-aloop.ko) continue ;; esac
                cp -n "$file" "$root/modules/"
                basename "$file"
            done
    done | awk '!seen[$0]++' >"$root/modules/order"
    cat >"$root/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
while read -r module; do $b insmod /modules/$module 2>/dev/null; done </modules/order
tries=0
until $b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose root /ro 2>/dev/null; do
    tries=$((tries + 1)); [ $tries -gt 100 ] && break; $b usleep 20000
done
$b mount -t tmpfs -o size=75% tmpfs /rw; $b mkdir /rw/upper /rw/work
$b mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work overlay /root ||
    { echo "devlab: no root file system"; $b reboot -f; }
for folder in proc sys dev; do $b mount --move /$folder /root/$folder; done
for word in $($b cat /root/proc/cmdline); do case $word in devlab.run=*) run=${word#*=} ;; esac; done
exec $b switch_root /root "$run/../tools/bin/busybox" sh "$run/boot"
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | "$TOOLS/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$CACHE/initramfs.gz"
}

prepare
[ $PREPARE = 0 ] || exit 0

# ---- one run ----

RUN=$(mktemp -d "$CACHE/run.XXXXXX")
EMULATOR=
cleanup() {
    [ -z "$EMULATOR" ] || kill "$EMULATOR" 2>/dev/null || true
    if [ $KEEP = 1 ]; then echo "devlab: kept $RUN" >&2; else rm -rf "$RUN"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

{
    printf 'cd %q\n' "$PWD"
    for variable in ${VARIABLES[@]+"${VARIABLES[@]}"}; do printf 'export %q\n' "$variable"; done
    printf 'exec'
    printf ' %q' "$@"
    echo
} >"$RUN/command"

# What the guest does once it stands on the host's files.
{
    cat <<BOOT
B=$TOOLS/bin/busybox
export PATH=\$PATH:/usr/sbin:/sbin:$TOOLS/usr/bin:$TOOLS/bin:$TOOLS/sbin:$TOOLS/usr/sbin HOME=/root TERM=dumb
[ -e /usr/share/alsa/alsa.conf ] || export ALSA_CONFIG_DIR=$TOOLS/usr/share/alsa
[ -e /usr/lib/x86_64-linux-gnu/libasound.so.2 ] && [ -e /usr/lib/x86_64-linux-gnu/libv4l2.so.0 ] ||
    export LD_LIBRARY_PATH=$TOOLS/usr/lib/x86_64-linux-gnu:$TOOLS/lib/x86_64-linux-gnu
\$B mkdir -p /dev/pts /dev/shm
\$B mount -t devpts devpts /dev/pts
\$B mount -t tmpfs tmpfs /dev/shm
\$B mount -t tmpfs tmpfs /run
\$B ip link set lo up
\$B hostname devlab
BOOT
    for i in "${!SHARED[@]}"; do
        printf '$B mkdir -p %q\n' "${SHARED[i]}"
        printf '$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap share%d %q\n' "$i" "${SHARED[i]}"
    done
    IFS=";" read -ra modules <<<"$MODULES"
    for module in "${modules[@]}"; do
        if [[ $module = vivie* ]]; then
            # Another name of the same length, inside and out; without its signature the kernel takes it all the same.
            printf 'head -c -28 %s | sed s/vivid/vivie/g >/run/vivie.ko; ' \
                "$CACHE"/kernel/lib/modules/*/kernel/drivers/media/test-drivers/vivid/vivid.ko
            printf '$B insmod /run/%s || echo "devlab: no second vivid" >&2\n' "${module/vivie/vivie.ko}"
            continue
        fi
        printf '%s/bin/modprobe -d %s/kernel %s || echo "devlab: no module %s" >&2\n' "$TOOLS" "$CACHE" "$module" "$module"
    done
    cat <<'BOOT'
$B chmod 666 /dev/video* /dev/snd/* 2>/dev/null
port() { for p in /sys/class/virtio-ports/*; do [ "$($B cat $p/name 2>/dev/null)" = $1 ] && echo /dev/${p##*/}; done; }
tries=0; while [ -z "$(port status)" ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); $B usleep 20000; done
BOOT
    printf 'bash %q </dev/null >$(port out) 2>$(port err)\n' "$RUN/command"
    cat <<'BOOT'
echo "exit $?" >$(port status)
$B sync
$B reboot -f
$B sleep 5
BOOT
} >"$RUN/boot"

kernel_words=(console=ttyS0 loglevel=4 panic=-1 reboot=t "devlab.run=$RUN" tsc=reliable no_timer_check nokaslr
    mitigations=off audit=0 random.trust_cpu=on cryptomgr.notests nowatchdog rcupdate.rcu_expedited=1 8250.nr_uarts=1)
processors=$(nproc)
emulator=("$TOOLS/usr/bin/qemu-system-x86_64" -L "$TOOLS/usr/share/qemu" -L "$TOOLS/usr/share/seabios"
    -M pc -accel tcg,thread=multi -cpu max -smp "$((processors > 2 ? 2 : processors))" -m "$MEMORY"
    -nodefaults -no-user-config -display none -no-reboot
    -kernel "$CACHE/vmlinux" -initrd "$CACHE/initramfs.gz" -append "${kernel_words[*]}"
    -serial "file:$RUN/console.log"
    -chardev "file,id=out,path=$RUN/out" -chardev "file,id=err,path=$RUN/err" -chardev "file,id=status,path=$RUN/status"
    -device virtio-serial-pci,max_ports=8
    -device virtserialport,chardev=out,name=out
    -device virtserialport,chardev=err,name=err
    -device virtserialport,chardev=status,name=status
    -device virtio-rng-pci)
share() {
    emulator+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3" -device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}
share root / ,readonly=on
for i in "${!SHARED[@]}"; do share "share$i" "${SHARED[i]}" ""; done

mkfifo "$RUN/out" "$RUN/err"
cat "$RUN/out" &
readers=($!)
cat "$RUN/err" >&2 &
readers+=($!)
LD_LIBRARY_PATH=$TOOLS/usr/lib/x86_64-linux-gnu:$TOOLS/lib/x86_64-linux-gnu \
    timeout --foreground -k 3 "$TIMEOUT" "${emulator[@]}" </dev/null &
EMULATOR=$!
ended=0
wait "$EMULATOR" || ended=$?
EMULATOR=
# An emulator that died before it opened the pipes leaves their readers waiting.
: 1<>"$RUN/out"
: 1<>"$RUN/err"
wait "${readers[@]}" || true

status=$(sed -n 's/^exit //p' "$RUN/status" 2>/dev/null || true)
[ -z "$status" ] || exit "$status"
tail -25 "$RUN/console.log" >&2 || true
if [ $ended = 124 ] || [ $ended = 137 ]; then
    echo "devlab: timed out after $TIMEOUT s" >&2
    exit 124
fi
echo "devlab: the machine ended before the command did (emulator status $ended)" >&2
exit 125
