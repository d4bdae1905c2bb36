//! What a run took.

use std::time::Instant;

use crate::Result;

/// What is told of a run.
#[derive(Default)]
pub(crate) struct Figures {
    /// Rows that were read.
    pub(crate) rows: u64,
    /// Size of the file, or of the spool.
    pub(crate) bytes: u64,
    /// Seconds until all of it was here; 0 for a file.
    pub(crate) fetch: f64,
    /// Seconds for the first look and the check.
    pub(crate) check: f64,
    /// Seconds for the read.
    pub(crate) read: f64,
}

impl Figures {
    /// As a line of JSON, with what the system says of this process.
    pub(crate) fn told(&self) -> Result<String> {
        let line = serde_json::json!({
            "rows": self.rows,
            "bytes": self.bytes,
            "fetch": self.fetch,
            "check": self.check,
            "read": self.read,
            "cpu": cpu()?,
            "peak": peak()?,
        });
        Ok(line.to_string())
    }
}

/// Seconds of wall clock since the last time it was asked.
pub(crate) struct Watch(Instant);

#[expect(clippy::disallowed_methods, reason = "a clock is what this is about")]
impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.0).as_secs_f64();
        self.0 = now;
        seconds
    }
}

/// Largest resident set in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.ok_or("the kernel does not tell the largest resident set")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}

/// Seconds of CPU of all threads, to a hundredth: Linux tells them in that unit.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name is in parentheses and may itself hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')').ok_or("the kernel does not tell the CPU time")?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || -> Result<u32> { Ok(fields.next().ok_or("a field is missing")?.parse()?) };
    Ok(f64::from(ticks()? + ticks()?) / 100.0)
}
