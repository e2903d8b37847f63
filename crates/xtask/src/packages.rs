//! Installing what is missing through the system's own package manager, after saying what and why, and asking once.
//! Where nothing is missing it does nothing and needs no rights.

use std::io::{IsTerminal as _, Write as _};
use std::process::Command;

use crate::needs::Need;
use crate::shell::{self, Outcome, on_path, output, succeeds};

/// Whether packages may be installed without a question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Ask,
    Given,
}

/// Makes sure that everything in `needs` is there.
pub(crate) fn provide(needs: &[Need], consent: Consent) -> Outcome {
    let missing = absent(needs);
    if missing.is_empty() {
        return Ok(());
    }
    println!("missing on this system:");
    for need in &missing {
        println!("  {:<28}{}", need.name, need.why);
    }
    let manager = Manager::find()
        .ok_or("none of apt-get, dnf, pacman and brew is here: install what is missing by hand, then run this again")?;
    let packages = manager.packages(&missing);
    let commands = manager.commands(&packages)?;
    println!("{manager:?} would bring: {}", packages.join(" "));
    if consent == Consent::Ask && !agreed()? {
        return Err(format!("nothing was installed; to do it yourself:\n{}", listed(&commands)));
    }
    for words in &commands {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)?;
    }
    let still = absent(needs);
    if still.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = still.iter().map(|need| need.name).collect();
    Err(format!("still missing after installing: {}", names.join(", ")))
}

fn absent(needs: &[Need]) -> Vec<&Need> {
    needs.iter().filter(|need| !(need.present)()).collect()
}

/// The package managers we know, in the order of [`Need::packages`].
#[derive(Clone, Copy, Debug)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Brew,
}

impl Manager {
    fn find() -> Option<Self> {
        let known = [(Self::Apt, "apt-get"), (Self::Dnf, "dnf"), (Self::Pacman, "pacman"), (Self::Brew, "brew")];
        known.into_iter().find_map(|(manager, program)| on_path(program).then_some(manager))
    }

    /// The packages that bring these needs, each once.
    fn packages(self, missing: &[&Need]) -> Vec<&'static str> {
        let mut packages: Vec<_> =
            missing.iter().flat_map(|need| need.packages[self as usize].split_whitespace()).collect();
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    /// The commands to run, with sudo in front where that is needed; an error says what a person must do instead.
    fn commands(self, packages: &[&str]) -> Outcome<Vec<Vec<String>>> {
        let steps: &[&[&str]] = match self {
            Self::Apt => &[&["apt-get", "update"], &["apt-get", "install", "-y", "--no-install-recommends"]],
            Self::Dnf => &[&["dnf", "install", "-y"]],
            Self::Pacman => &[&["pacman", "-S", "--noconfirm", "--needed"]],
            Self::Brew => &[&["brew", "install"]],
        };
        let mut commands: Vec<Vec<String>> =
            steps.iter().map(|words| words.iter().map(|&word| word.to_owned()).collect()).collect();
        if let Some(install) = commands.last_mut() {
            install.extend(packages.iter().map(|&package| package.to_owned()));
        }
        if matches!(self, Self::Brew) || is_root() {
            return Ok(commands);
        }
        if !succeeds("sudo", &["--version"]) {
            return Err(format!("not root, and there is no sudo here; as root, run:\n{}", listed(&commands)));
        }
        for command in &mut commands {
            command.insert(0, "sudo".to_owned());
        }
        Ok(commands)
    }
}

fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|id| id.trim() == "0")
}

/// Asks at the terminal; where there is none, no answer means no.
fn agreed() -> Outcome<bool> {
    if !std::io::stdin().is_terminal() {
        println!("no terminal to ask on; --yes installs without asking");
        return Ok(false);
    }
    print!("install them now? [Y/n] ");
    let mut answer = String::new();
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    std::io::stdin().read_line(&mut answer).map_err(|error| error.to_string())?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn listed(commands: &[Vec<String>]) -> String {
    commands.iter().map(|words| format!("  {}", words.join(" "))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CMAKE: Need = Need { name: "cmake", why: "", present: || true, packages: ["cmake make", "cmake", "", ""] };
    const MAKE: Need = Need { name: "make", why: "", present: || false, packages: ["make", "make", "", ""] };

    #[test]
    fn only_what_is_absent_is_installed() {
        let missing = absent(&[CMAKE, MAKE]).iter().map(|need| need.name).collect::<Vec<_>>();
        assert_eq!(missing, ["make"]);
    }

    #[test]
    fn a_package_that_two_needs_share_is_named_once() {
        assert_eq!(Manager::Apt.packages(&[&CMAKE, &MAKE]), ["cmake", "make"]);
    }
}
