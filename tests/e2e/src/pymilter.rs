//! A milter with a script, on Sendmail's own library: `programs/scripted_milter.py`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::door::Door;
use crate::peers::Peers;
use crate::process::{Server, wait_until};
use crate::scratch::Scratch;

const NAME: &str = "pymilter";

/// A running one.
pub struct Pymilter {
    server: Server,
    /// Where it listens.
    pub door: Door,
    records: PathBuf,
}

/// What it was shown, or has done.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The step, such as `mail`; for what it has done, nothing.
    pub step: String,
    /// The words of the step.
    pub told: Vec<String>,
    /// The whole record.
    pub record: Value,
}

impl Shown {
    /// The value of a macro, such as `{client_addr}`, at this step.
    pub fn symbol(&self, name: &str) -> Option<&str> {
        self.record.get("macros")?.get(name)?.as_str()
    }
}

impl Pymilter {
    /// Starts one with the rules of `script`, a JSON list (see the program).
    pub fn start(scratch: &Scratch, name: &str, door: &Door, script: &Value) -> Self {
        let records = scratch.path().join(format!("{name}.records"));
        let mut command = Peers::get().command(NAME);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/scripted_milter.py"));
        command.arg(door.for_milter()).arg(&records).arg(script.to_string());
        let log = scratch.path().join(format!("{name}.log"));
        let mut server = Server::start(NAME, &mut command, log);
        server.wait_ready(Duration::from_secs(90), || door.is_open());
        Self { server, door: door.clone(), records }
    }

    /// What has been recorded so far.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.records).unwrap_or_default();
        // The last line may not be whole yet.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What it was shown so far, in order.
    pub fn shown(&self) -> Vec<Shown> {
        let records = self.records().into_iter();
        records
            .filter_map(|record| {
                let step = record.get("at")?.as_str()?.to_owned();
                let told = record.get("told")?.as_array()?.iter();
                let text = |value: &Value| match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(Shown { step, told: told.map(text).collect(), record: record.clone() })
            })
            .collect()
    }

    /// The steps it was shown so far, in order; only these.
    pub fn steps(&self, only: &[&str]) -> Vec<String> {
        let steps = self.shown().into_iter().map(|shown| shown.step);
        steps.filter(|step| only.contains(&step.as_str())).collect()
    }

    /// Waits until it was shown a step.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn wait_for(&self, step: &str) -> Shown {
        let shown = wait_until(Duration::from_secs(60), || {
            self.shown().into_iter().find(|shown| shown.step == step)
        });
        shown.unwrap_or_else(|| panic!("no {step}: {:?}", self.records()))
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.server.kill();
    }
}

impl Drop for Pymilter {
    fn drop(&mut self) {
        // Asked to end, it would wait for its connections first.
        self.server.kill();
    }
}
