//! `cargo xtask install`: puts the program, its icon and its entry in the desktop's menu where this person's desktop finds them.
//! Nothing outside of the person's own folders is touched, and `--remove` takes it all away again.

use std::path::{Path, PathBuf};

use crate::needs;
use crate::packages::{self, Consent};
use crate::shell::{Outcome, cargo, run as run_shown, target, workspace};

/// What is put where, below the folders for data and for programs.
struct Places {
    data: PathBuf,
    programs: PathBuf,
}

impl Places {
    /// The XDG Base Directory Specification.
    fn of_this_person() -> Outcome<Self> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME").ok_or("HOME is not set: there is no place to install to")?;
        let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        Ok(Self { data, programs: home.join(".local/bin") })
    }

    fn program(&self) -> PathBuf {
        self.programs.join("ringback")
    }

    fn icon(&self) -> PathBuf {
        self.data.join("icons/hicolor/scalable/apps/ringback.svg")
    }

    fn entry(&self) -> PathBuf {
        self.data.join("applications/ringback.desktop")
    }
}

/// Builds and installs, or removes.
pub(crate) fn run(remove: bool, consent: Consent) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(
            "only a Linux desktop is known: `cargo install --path crates/ringback` installs the program".to_owned()
        );
    }
    let places = Places::of_this_person()?;
    if remove {
        return take_away(&places);
    }
    let mut needed = needs::build();
    needed.extend(needs::window());
    packages::provide(&needed, consent)?;
    run_shown(&mut cargo(&["build", "--release", "--locked", "--package", "ringback"]))?;
    put(&places, &target().join("release/ringback"), workspace())?;
    let on_path = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder == places.programs));
    if !on_path {
        println!("{} is not in PATH: the menu finds the program, a terminal does not", places.programs.display());
    }
    Ok(())
}

fn put(places: &Places, program: &Path, source: &Path) -> Outcome {
    // One that runs may be replaced, but not written into.
    let _ = std::fs::remove_file(places.program());
    copy(program, &places.program())?;
    copy(&source.join("assets/icon/ringback.svg"), &places.icon())?;
    let entry = source.join("assets/ringback.desktop");
    let text = std::fs::read_to_string(&entry).map_err(|error| format!("cannot read {}: {error}", entry.display()))?;
    write(&places.entry(), &with_program(&text, &places.program()))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    folder_of(to)?;
    std::fs::copy(from, to).map_err(|error| format!("cannot copy {} to {}: {error}", from.display(), to.display()))?;
    println!("installed {}", to.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> Outcome {
    folder_of(path)?;
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!("installed {}", path.display());
    Ok(())
}

fn folder_of(path: &Path) -> Outcome {
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// The entry with the program's whole path: a desktop's PATH is often shorter than that of a shell.
fn with_program(entry: &str, program: &Path) -> String {
    let program = program.display().to_string();
    // Desktop Entry Specification: quoted, with these characters escaped; and `%` begins a field code.
    let mut quoted = String::from("\"");
    for letter in program.chars() {
        match letter {
            // Once for the quotes, and the backslash once more for the value.
            '"' | '`' | '$' => quoted.extend(["\\\\", &letter.to_string()]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    let mut text = String::new();
    for line in entry.lines() {
        match line.split_once('=') {
            Some(("Exec", command)) => text.push_str(&format!("Exec={}", command.replacen("ringback", &quoted, 1))),
            Some(("TryExec", _)) => text.push_str(&format!("TryExec={}", program.replace('\\', "\\\\"))),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

fn take_away(places: &Places) -> Outcome {
    for path in [places.program(), places.icon(), places.entry()] {
        match std::fs::remove_file(&path) {
            Ok(()) => println!("removed {}", path.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot remove {}: {error}", path.display())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{on_path, output};

    const ENTRY: &str = include_str!("../../../assets/ringback.desktop");

    /// A folder of this test's own, removed with its value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("ringback-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_installed_is_found_and_removed_again() {
        let home = Scratch::new("install");
        let places = Places { data: home.0.join("share"), programs: home.0.join("bin") };
        let program = home.0.join("built");
        std::fs::write(&program, "the program").expect("writable");
        for _ in 0..2 {
            put(&places, &program, workspace()).expect("installed, also over an older one");
        }
        assert_eq!(std::fs::read_to_string(places.program()).expect("there"), "the program");
        assert!(std::fs::read_to_string(places.icon()).expect("there").starts_with("<svg"));
        let entry = std::fs::read_to_string(places.entry()).expect("there");
        assert!(entry.contains(&format!("\nExec=\"{}\" call\n", places.program().display())), "{entry}");
        for _ in 0..2 {
            take_away(&places).expect("removed, also when it is gone already");
        }
        assert!(!places.program().exists() && !places.icon().exists() && !places.entry().exists());
    }

    #[test]
    fn a_path_with_odd_letters_is_quoted_as_the_desktop_wants_it() {
        let entry = with_program("Exec=ringback call\nName=ringback\n", Path::new("/a b/$c/50%/ringback"));
        assert_eq!(entry, "Exec=\"/a b/\\\\$c/50%%/ringback\" call\nName=ringback\n");
    }

    #[test]
    fn the_entry_is_a_valid_one() {
        let lines: Vec<_> = ENTRY.lines().collect();
        assert_eq!(lines[0], "[Desktop Entry]");
        for key in ["Type=Application", "Name=", "Exec=ringback", "Icon=ringback", "Categories="] {
            assert!(lines.iter().any(|line| line.starts_with(key)), "no {key}");
        }
        if !on_path("desktop-file-validate") {
            eprintln!("SKIPPED the_entry_is_a_valid_one in part: desktop-file-validate is not installed");
            return;
        }
        let home = Scratch::new("entry");
        let file = home.0.join("ringback.desktop");
        std::fs::write(&file, with_program(ENTRY, Path::new("/opt/ring back/ringback"))).expect("writable");
        let file = file.display().to_string();
        let source = workspace().join("assets/ringback.desktop").display().to_string();
        for file in [file, source] {
            assert_eq!(output("desktop-file-validate", &["--no-hints", &file]).as_deref(), Some(""), "{file}");
        }
    }
}
