//! What the build, the window and the tests need from the system, each with a probe and the packages that bring it.
//! A probe asks for the thing itself (a header that compiles, a program that runs), never for a package's name.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{on_path, output, succeeds};

/// Fails unless every part of the calls with GStreamer is there.
const GSTREAMER: &str = "
import gi
for name, version in (('Gst', '1.0'), ('GstWebRTC', '1.0'), ('GstSdp', '1.0'), ('Soup', '3.0')):
    gi.require_version(name, version)
from gi.repository import Gst
Gst.init(None)
for name in ('webrtcbin', 'nicesrc', 'dtlsdec', 'srtpdec', 'x264enc', 'avdec_h264', 'opusenc', 'rtph264pay', 'level'):
    assert Gst.ElementFactory.find(name), name
";

/// One thing the system must have.
pub(crate) struct Need {
    pub(crate) name: &'static str,
    /// Who uses it, in a few words.
    pub(crate) why: &'static str,
    /// Whether it is there now.
    pub(crate) present: fn() -> bool,
    /// Package names for apt, dnf, pacman and brew; empty where it is part of the system or unknown there.
    pub(crate) packages: [&'static str; 4],
}

/// What compiling needs.
pub(crate) fn build() -> Vec<Need> {
    let mut needs = vec![
        Need {
            name: "a C compiler",
            why: "codecs and cryptography are partly C",
            present: || compiles("c", "#include <stdio.h>"),
            packages: ["build-essential", "gcc", "base-devel", ""],
        },
        Need {
            name: "a C++ compiler",
            why: "the H.264 codec is C++",
            present: || compiles("c++", "#include <string>"),
            packages: ["build-essential", "gcc-c++", "base-devel", ""],
        },
        Need {
            name: "make",
            why: "cmake drives it",
            present: || succeeds("make", &["--version"]),
            packages: ["make", "make", "base-devel", "make"],
        },
        Need {
            name: "cmake",
            why: "builds the Opus codec",
            present: || succeeds("cmake", &["--version"]),
            packages: ["cmake", "cmake", "cmake", "cmake"],
        },
        Need {
            name: "nasm",
            why: "without it H.264 is built silently slow",
            present: || succeeds("nasm", &["-v"]),
            packages: ["nasm", "nasm", "nasm", "nasm"],
        },
    ];
    if cfg!(target_os = "linux") {
        needs.extend([
            Need {
                name: "pkg-config",
                why: "finds the sound library's headers",
                present: || succeeds("pkg-config", &["--version"]),
                packages: ["pkg-config", "pkgconf-pkg-config", "pkgconf", ""],
            },
            Need {
                name: "ALSA headers",
                why: "microphone and speaker",
                present: || succeeds("pkg-config", &["--exists", "alsa"]),
                packages: ["libasound2-dev", "alsa-lib-devel", "alsa-lib", ""],
            },
            Need {
                name: "libclang",
                why: "reads the camera driver's headers",
                present: || libclang().is_some(),
                packages: ["libclang-dev", "clang-devel", "clang", ""],
            },
        ]);
    }
    needs
}

/// What a window needs while the program runs.
pub(crate) fn window() -> Vec<Need> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    vec![
        Need {
            name: "OpenGL",
            why: "draws the window",
            present: || library("libEGL.so.1") && library("libGL.so.1") && drivers_of_mesa(),
            packages: [
                "libegl1 libgl1 libgl1-mesa-dri",
                "libglvnd-egl libglvnd-glx mesa-dri-drivers",
                "libglvnd mesa",
                "",
            ],
        },
        Need {
            name: "keyboard and X11 libraries",
            why: "the window's keys and pointer",
            present: || {
                ["libxkbcommon-x11.so.0", "libXcursor.so.1", "libXi.so.6", "libX11-xcb.so.1"].into_iter().all(library)
            },
            packages: [
                "libxkbcommon-x11-0 libxcursor1 libxi6 libx11-xcb1",
                "libxkbcommon-x11 libXcursor libXi libX11-xcb",
                "libxkbcommon-x11 libxcursor libxi libx11",
                "",
            ],
        },
    ]
}

/// What drives a browser.
fn browser() -> [Need; 2] {
    [
        Need {
            name: "Chromium",
            why: "calls between a browser and the program",
            present: || ["chromium", "chromium-browser", "google-chrome"].into_iter().any(on_path),
            packages: ["chromium", "chromium", "chromium", "chromium"],
        },
        Need {
            name: "node and npm",
            why: "drive Chromium",
            present: || succeeds("node", &["--version"]) && on_path("npm"),
            packages: ["nodejs npm", "nodejs npm", "nodejs npm", "node"],
        },
    ]
}

/// What looks at the window without anybody before it.
pub(crate) fn screen() -> [Need; 1] {
    [Need {
        name: "Xvfb and xdotool",
        why: "the window on a screen of its own, with its keys pressed",
        present: || on_path("Xvfb") && on_path("xdotool"),
        packages: ["xvfb xdotool", "xorg-x11-server-Xvfb xdotool", "xorg-server-xvfb xdotool", ""],
    }]
}

/// What makes networks out of namespaces.
fn namespaces() -> [Need; 2] {
    [
        Need {
            name: "ip and nsenter",
            why: "two machines on one network, as namespaces",
            present: || on_path("ip") && on_path("nsenter") && on_path("unshare"),
            packages: ["iproute2 util-linux", "iproute util-linux", "iproute2 util-linux", ""],
        },
        Need {
            name: "nft",
            why: "routers that translate addresses",
            present: || on_path("nft"),
            packages: ["nftables", "nftables", "nftables", ""],
        },
    ]
}

/// What the lab needs on top of the build: bad networks, and other callers to compare with.
pub(crate) fn lab() -> Vec<Need> {
    let mut needs = Vec::from(browser());
    needs.extend(namespaces());
    needs.push(python());
    needs
}

fn python() -> Need {
    Need {
        name: "Python with venv",
        why: "callers, quality measures and a media server written in Python",
        present: || succeeds("python3", &["-c", "import venv, ensurepip"]),
        packages: ["python3-venv", "python3", "python", "python3"],
    }
}

/// What the bench needs on top of that.
pub(crate) fn bench() -> Vec<Need> {
    vec![
        Need {
            name: "espeak-ng",
            why: "speech whose quality is measured",
            present: || on_path("espeak-ng"),
            packages: ["espeak-ng", "espeak-ng", "espeak-ng", "espeak-ng"],
        },
        Need {
            name: "Python's headers",
            why: "PESQ, which is built when it is installed",
            present: || {
                let asked = "import os, sysconfig; print(os.path.exists(sysconfig.get_path('include') + '/Python.h'))";
                output("python3", &["-c", asked]).is_some_and(|answer| answer.trim() == "True")
            },
            packages: ["python3-dev", "python3-devel", "python", "python3-devel"],
        },
    ]
}

/// What the tests need on top of both.
pub(crate) fn tests() -> Vec<Need> {
    let mut needs = Vec::from(browser());
    needs.extend([
        python(),
        Need {
            name: "a TURN server",
            why: "relayed calls",
            present: || on_path("turnserver"),
            packages: ["coturn", "coturn", "coturn", "coturn"],
        },
        Need {
            name: "tinyproxy",
            why: "signaling through an HTTP proxy",
            present: || on_path("tinyproxy"),
            packages: ["tinyproxy", "tinyproxy", "tinyproxy", "tinyproxy"],
        },
        Need {
            name: "microsocks",
            why: "signaling through a SOCKS5 proxy",
            present: || on_path("microsocks"),
            packages: ["microsocks", "", "microsocks", "microsocks"],
        },
    ]);
    if cfg!(target_os = "linux") {
        needs.extend(namespaces());
        needs.extend(screen());
        needs.extend([
            Need {
                name: "PulseAudio",
                why: "a private sound server with null sinks",
                present: || on_path("pulseaudio") && on_path("pactl"),
                packages: ["pulseaudio pulseaudio-utils", "pulseaudio pulseaudio-utils", "pulseaudio libpulse", ""],
            },
            Need {
                name: "dbus-daemon",
                why: "a desktop of a test's own, which shows notifications",
                present: || on_path("dbus-daemon"),
                packages: ["dbus-daemon", "dbus-daemon", "dbus", ""],
            },
            Need {
                name: "the accessibility bus",
                why: "the window as a screen reader sees it",
                present: || Path::new("/usr/share/dbus-1/services/org.a11y.Bus.service").exists(),
                packages: ["at-spi2-core", "at-spi2-core", "at-spi2-core", ""],
            },
            Need {
                name: "desktop-file-validate",
                why: "whether the menu entry is a valid one",
                present: || on_path("desktop-file-validate"),
                packages: ["desktop-file-utils", "desktop-file-utils", "desktop-file-utils", ""],
            },
            Need {
                name: "tmux",
                why: "calls on a terminal, with its keys pressed and its screen read",
                present: || on_path("tmux"),
                packages: ["tmux", "tmux", "tmux", "tmux"],
            },
            Need {
                name: "GStreamer with webrtcbin, for the system's Python",
                why: "calls between GStreamer and the program",
                // Where there is no apt the tests that need it are skipped.
                present: || !on_path("apt-get") || succeeds("/usr/bin/python3", &["-c", GSTREAMER]),
                packages: [
                    "python3-gi gir1.2-gst-plugins-bad-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-soup-3.0 gstreamer1.0-libav \
                     gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
                     gstreamer1.0-plugins-ugly",
                    "",
                    "",
                    "",
                ],
            },
            Need {
                name: "apt-get and xz",
                why: "a virtual machine with real camera and sound drivers (skipped where there is no apt)",
                present: || !on_path("apt-get") || succeeds("xz", &["--version"]),
                packages: ["xz-utils", "", "", ""],
            },
        ]);
    }
    needs
}

/// Whether the compiler for `language` accepts this text: the compiler and its headers are both there.
fn compiles(language: &str, text: &str) -> bool {
    let program = if language == "c" { "cc" } else { "c++" };
    let started = Command::new(program)
        .args(["-x", language, "-fsyntax-only", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut compiler) = started else { return false };
    if let Some(mut input) = compiler.stdin.take() {
        // A compiler that does not read its input has failed, and its status says so.
        let _ = writeln!(input, "{text}");
    }
    compiler.wait().is_ok_and(|status| status.success())
}

/// Where libclang is, looked for as the `clang-sys` crate does.
fn libclang() -> Option<PathBuf> {
    let mut folders = library_folders();
    folders.extend(std::env::var_os("LIBCLANG_PATH").map(PathBuf::from));
    folders.extend(output("llvm-config", &["--libdir"]).map(|folder| PathBuf::from(folder.trim())));
    folders.extend(children(Path::new("/usr/lib")).map(|folder| folder.join("lib")));
    folders.into_iter().find(|folder| {
        children(folder).any(|file| is_libclang(&file.file_name().unwrap_or_default().to_string_lossy()))
    })
}

/// Not the C++ library of the same family (`libclang-cpp.so.14`), which comes with LLVM alone.
fn is_libclang(name: &str) -> bool {
    let version = name.strip_prefix("libclang-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    name.starts_with("libclang.so") || version && name.contains(".so")
}

/// Whether the dynamic linker can find this file name.
fn library(name: &str) -> bool {
    library_folders().iter().any(|folder| folder.join(name).exists())
}

/// Mesa's drivers, among them the one that needs no graphics card; other vendors bring their own.
fn drivers_of_mesa() -> bool {
    let vendor = library("libGLX_nvidia.so.0");
    vendor || library_folders().iter().any(|folder| children(&folder.join("dri")).next().is_some())
}

fn library_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from).to_vec();
    // Debian keeps libraries one level down, by architecture.
    folders.extend(children(Path::new("/usr/lib")).filter(|folder| folder.to_string_lossy().contains("-linux-")));
    folders
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_says_why_and_has_a_package_on_debian() {
        for need in build().into_iter().chain(window()).chain(tests()).chain(lab()).chain(bench()) {
            assert!(!need.why.is_empty(), "{} gives no reason", need.name);
            assert!(!need.packages[0].is_empty(), "{} has no package for apt", need.name);
        }
    }

    #[test]
    fn the_compiler_probe_reads_its_headers() {
        assert!(compiles("c", "#include <stdio.h>"));
        assert!(!compiles("c", "#include <no/such/header.h>"));
    }

    #[test]
    fn libclang_is_told_from_its_relatives() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.so.1"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang-cpp.so", "libclang_rt.so", "libclang-14.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn a_missing_library_is_missing() {
        assert!(!library("libno-such-thing.so.7"));
    }
}
