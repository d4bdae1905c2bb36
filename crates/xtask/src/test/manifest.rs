//! What the stage of the end-to-end tests reads to find its programs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::needs::Need;
use super::places::Places;

/// Tells the end-to-end tests where everything is.
pub(super) fn write(path: &Path, target: &Path, places: &Places, wanted: &[Need]) -> Result<()> {
    let programs: serde_json::Map<String, serde_json::Value> = wanted
        .iter()
        .filter_map(|need| {
            let found = need.find(places)?;
            let mut fields = found.fields;
            fields.insert("version".to_owned(), found.version.into());
            Some((need.name.to_owned(), fields.into()))
        })
        .collect();
    let text = serde_json::to_string_pretty(&serde_json::json!({
        "optgate": target.join("debug/optgate"),
        "running": places.running(),
        "programs": programs,
    }))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
