//! The checks that run no test: formatting, spelling, licences and sources of dependencies, lints and documentation.
//! Each either passes or says why not.

use crate::shell::{self, Outcome, cargo, on_path, run, target};

/// `cargo fmt --check`, also of the fuzz targets, which are a workspace of their own.
pub(crate) fn fmt() -> Outcome {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["fmt", "--manifest-path", "crates/fuzz/Cargo.toml", "--check"]))
}

/// Spelling of code and text.
pub(crate) fn spelling() -> Outcome {
    let typos = tool("typos", "typos-cli", "1.52.0")?;
    run(std::process::Command::new(typos).current_dir(shell::workspace()).args(["--config", ".typos.toml"]))
}

/// Licences, sources and duplicates of every dependency. Advisories are not asked for: their database is
/// fetched over the network at every run, and a build must not fail for what was published since.
pub(crate) fn deny() -> Outcome {
    let deny = tool("cargo-deny", "cargo-deny", "0.20.2")?;
    run(std::process::Command::new(deny).current_dir(shell::workspace()).args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Every lint is an error.
pub(crate) fn clippy() -> Outcome {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// Documentation without a broken link or a missing page.
pub(crate) fn doc() -> Outcome {
    run(cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

/// The path of a program from the crates registry, built into the target folder when the system has none.
/// Unoptimised and without debug information: it builds in a minute or two, and runs for a second.
fn tool(program: &str, package: &str, version: &str) -> Outcome<std::path::PathBuf> {
    if on_path(program) {
        return Ok(program.into());
    }
    let root = target().join("tools");
    let built = root.join("bin").join(program);
    if !built.exists() {
        let root = root.to_string_lossy();
        run(cargo(&["install", package, "--version", version, "--locked", "--debug", "--root", &root])
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", target().join("tools/build")))?;
    }
    Ok(built)
}
