//! Debian's packages, asked and installed without a question.
//!
//! Before anything is installed apt says what it would do; a plan that brings a
//! mail server, or removes anything, is refused. That is what keeps the promise
//! that no MTA is installed over an existing one, whatever a package recommends
//! tomorrow.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::processes;

/// Downloads may be slow; nothing here takes longer when it goes well.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Refreshes the package lists. A source that does not answer is reported by apt
/// and is not our failure: the installation after it decides.
pub(super) fn update() -> Result<()> {
    say("apt-get update");
    let status = processes::run(apt_get().args(["-q", "update"]), LIMIT)?;
    if !status.success() {
        eprintln!(
            "warning: apt-get update did not succeed ({status}); trying with the lists as they are"
        );
    }
    Ok(())
}

/// Installs packages that are no mail servers.
pub(super) fn install(packages: &[String]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let plan = plan(packages)?;
    check_plan(&plan, &mtas()?)?;
    install_unchecked(packages)
}

/// Installs packages without the check; only for a mail server where none is.
pub(super) fn install_unchecked(packages: &[String]) -> Result<()> {
    say(&format!("apt-get install --no-install-recommends {}", packages.join(" ")));
    let mut command = apt_get();
    command.args(["-q", "-y", "-o", "Dpkg::Use-Pty=0", "install", "--no-install-recommends"]);
    let status = processes::run(command.args(packages), LIMIT)?;
    if !status.success() {
        bail!("apt-get could not install {}", packages.join(" "));
    }
    Ok(())
}

/// Fetches packages and unpacks them into a folder, without installing them.
///
/// A package that only stands for its newest version is followed to that.
pub(super) fn extract(packages: &[&str], into: &Path) -> Result<()> {
    let downloads = into.join("deb");
    let mut wanted: Vec<String> = packages.iter().map(|name| (*name).to_owned()).collect();
    let mut libraries = Vec::new();
    while !wanted.is_empty() {
        download(&wanted, &downloads)?;
        wanted.clear();
        for file in std::fs::read_dir(&downloads)? {
            let file = file?.path();
            let mut unpack = Command::new("dpkg-deb");
            if !processes::run(unpack.arg("-x").arg(&file).arg(into), LIMIT)?.success() {
                bail!("dpkg-deb could not unpack {}", file.display());
            }
            let field = |name| output(Command::new("dpkg-deb").arg("-f").arg(&file).arg(name));
            let (package, depends) = (field("Package")?, field("Depends")?);
            libraries.extend(library_names(&depends));
            wanted.extend(newest_version(package.trim(), &depends));
            std::fs::remove_file(&file)?;
        }
    }
    // One that is here is not upgraded: this is somebody's machine.
    libraries.retain(|name| !is_installed(name));
    libraries.sort();
    libraries.dedup();
    install(&libraries)
}

fn download(packages: &[String], into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    say(&format!("apt-get download {} (unpacked beside {})", packages.join(" "), into.display()));
    // As root apt drops its rights for a download; here it may keep them, because
    // the folder belongs to root.
    let mut command = apt_get();
    command.args(["-q", "-o", "APT::Sandbox::User=root", "download"]).args(packages);
    if !processes::run(command.current_dir(into), LIMIT)?.success() {
        bail!("apt-get could not download {}", packages.join(" "));
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let mut ask = Command::new("dpkg-query");
    output(ask.args(["-W", "-f", "${db:Status-Status}", package])).is_ok_and(|s| s == "installed")
}

/// The libraries among the packages of a `Depends` field. What else is in there
/// (other parts of the server, cron, debconf, scripts for its web pages) is for an
/// installed server.
fn library_names(depends: &str) -> Vec<String> {
    let names = package_names(depends);
    names
        .filter(|name| name.starts_with("lib") && !name.starts_with("libjs-"))
        .map(str::to_owned)
        .collect()
}

/// `postgresql` depends on `postgresql-15`, and is nothing else.
fn newest_version(package: &str, depends: &str) -> Option<String> {
    let mut names = package_names(depends);
    let is_version = |name: &&str| {
        let number = name.strip_prefix(package).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    names.find(is_version).map(str::to_owned)
}

/// The packages of a `Depends` field, the first of each choice.
fn package_names(depends: &str) -> impl Iterator<Item = &str> {
    let each = depends.split(',');
    each.filter_map(|one| one.split('|').next()?.split_whitespace().next())
}

/// What apt would do: its lines `Inst NAME ...` and `Remv NAME ...`.
fn plan(packages: &[String]) -> Result<String> {
    let mut command = apt_get();
    output(command.args(["-s", "-q", "install", "--no-install-recommends"]).args(packages))
        .with_context(|| format!("apt-get cannot install {}", packages.join(" ")))
}

/// Refuses a plan that brings a mail server or removes something.
fn check_plan(plan: &str, mtas: &[String]) -> Result<()> {
    for line in plan.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Inst"), Some(name)) if mtas.iter().any(|mta| mta == name) => {
                bail!("apt-get would install the mail server {name}; that is left to you");
            }
            (Some("Remv"), Some(name)) => bail!("apt-get would remove {name}; that is left to you"),
            _ => {}
        }
    }
    Ok(())
}

/// All packages that call themselves a mail server.
fn mtas() -> Result<Vec<String>> {
    let text = output(Command::new("apt-cache").args(["showpkg", "mail-transport-agent"]))?;
    Ok(providers(&text))
}

fn providers(showpkg: &str) -> Vec<String> {
    let lines = showpkg.lines().skip_while(|line| !line.starts_with("Reverse Provides:")).skip(1);
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The installed package that is a mail server, if there is one.
pub(super) fn installed_mta() -> Option<String> {
    let text = output(Command::new("dpkg-query").args([
        "-W",
        "-f",
        "${db:Status-Status} ${Package} ${Provides}\n",
    ]))
    .ok()?;
    installed_provider(&text)
}

fn installed_provider(list: &str) -> Option<String> {
    list.lines().find_map(|line| {
        let mut words = line.splitn(3, ' ');
        let (status, package, provides) = (words.next()?, words.next()?, words.next()?);
        let mta = provides
            .split(',')
            .any(|one| one.split_whitespace().next() == Some("mail-transport-agent"));
        (status == "installed" && mta).then(|| package.to_owned())
    })
}

/// Answers a question of a package's installer before it is asked.
pub(super) fn preseed(line: &str) -> Result<()> {
    let mut child = Command::new("debconf-set-selections")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .context("cannot run debconf-set-selections")?;
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, line.as_bytes())?;
    }
    if !child.wait()?.success() {
        bail!("debconf-set-selections refused: {line}");
    }
    Ok(())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    command
}

fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn say(what: &str) {
    println!("+ {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_brings_a_mail_server_is_refused() {
        let mtas = ["exim4-daemon-light".to_owned()];
        assert!(check_plan("Inst msmtp (1.8)\nConf msmtp (1.8)\n", &mtas).is_ok());
        let error = check_plan("Inst msmtp (1.8)\nInst exim4-daemon-light (4.96)\n", &mtas);
        assert!(error.unwrap_err().to_string().contains("exim4-daemon-light"));
    }

    #[test]
    fn a_plan_that_removes_something_is_refused() {
        assert!(check_plan("Remv postfix [3.7]\nInst x (1)\n", &[]).is_err());
    }

    #[test]
    fn providers_are_read_from_apt_cache() {
        let text = "Package: mail-transport-agent\nVersions: \n\nReverse Depends: \n  mutt,mail\n\
                    Provides: \nReverse Provides: \npostfix 3.7.11 (= )\nexim4-daemon-light 4.96 (= )\n";
        assert_eq!(providers(text), ["postfix", "exim4-daemon-light"]);
    }

    #[test]
    fn only_an_installed_provider_counts() {
        let list = "installed mawk awk\nconfig-files postfix mail-transport-agent\n";
        assert_eq!(installed_provider(list), None);
        let list = format!("{list}installed dma default-mta, mail-transport-agent (= 1)\n");
        assert_eq!(installed_provider(&list).as_deref(), Some("dma"));
    }

    #[test]
    fn libraries_are_picked_out_of_a_depends_field() {
        let depends =
            "exim4-base (>= 4.96), debconf (>= 0.5) | debconf-2.0, libc6 (>= 2.34), libidn12";
        assert_eq!(library_names(depends), ["libc6", "libidn12"]);
        assert_eq!(library_names("adduser, libjs-jquery, libpq5"), ["libpq5"]);
    }

    #[test]
    fn a_package_that_stands_for_its_newest_version_is_followed_to_it() {
        let newest = newest_version("postgresql", "postgresql-15, postgresql-common");
        assert_eq!(newest.as_deref(), Some("postgresql-15"));
        assert_eq!(newest_version("slapd", "libc6, slapd-contrib, perl"), None);
    }
}
