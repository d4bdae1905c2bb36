//! Where and how it was measured: a figure without this is a rumour.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::setting::Setting;
use super::subject::Subject;

/// The lines above the tables.
pub(super) fn describe(
    setting: &Setting,
    rounds: u32,
    profile: &str,
    subjects: &[Subject],
) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        format!("- {cores} CPUs, {}, Linux {}", cpu_model(), kernel()),
        format!(
            "- {rounds} rounds, {} opt-outs, optgate built with profile {profile}",
            setting.opt_outs
        ),
    ];
    for subject in subjects {
        let version = match subject {
            Subject::Haproxy => setting.haproxy.as_ref().and_then(|it| first_line(it, &["-v"])),
            Subject::Postfix => setting
                .postfix
                .as_ref()
                .map(|it| format!("Postfix {}, map type {}", it.version, setting.map)),
            Subject::Optgate => first_line(&setting.gate, &["--version"]),
            Subject::Direct | Subject::Pump => None,
        };
        lines.extend(version.map(|version| format!("- {version}")));
    }
    lines.push(load_average("at the start"));
    lines
}

/// How busy the machine is otherwise.
pub(super) fn load_average(when: &str) -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("- load average of one minute {when}: {}", text.split(' ').next().unwrap_or("unknown"))
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("CPU of unknown model", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn kernel() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    text.split('-').next().unwrap_or_default().trim().to_owned()
}

fn first_line(program: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::to_owned)
}
