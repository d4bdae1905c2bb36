//! Reading the configuration file of a gate, again and again.

use std::path::PathBuf;

use crate::config::{Level, Settings, Severity, ShownValue, Surroundings, load};
use crate::error::AppError;

/// The file a gate is configured by.
#[derive(Clone, Debug)]
pub struct ConfigurationFile {
    /// Where it is, as it was named.
    pub path: PathBuf,
    /// What of the process its meaning depends on.
    pub around: Surroundings,
    /// Goes before `[log] level`.
    pub level: Option<Level>,
}

/// A configuration that may come into force.
pub(super) struct Read {
    pub(super) settings: Settings,
    pub(super) values: Vec<ShownValue>,
    pub(super) warnings: Vec<String>,
}

impl ConfigurationFile {
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads it; what `check` would fail for is an error, in the words of `check`.
    pub(super) fn read(&self) -> Result<Read, AppError> {
        let loaded = load(&self.path, &self.around).map_err(|e| AppError::io(&self.path, e))?;
        let report = &loaded.report;
        let Some(mut settings) = loaded.settings.filter(|_| report.is_clean()) else {
            return Err(AppError::Configuration(report.render(false)));
        };
        settings.log.level = self.level.unwrap_or(settings.log.level);
        let warning = |fault: &crate::config::FaultLine| match fault.line {
            Some(line) => format!("{}:{line}: {}", fault.file, fault.message),
            None => format!("{}: {}", fault.file, fault.message),
        };
        let lines = report.lines();
        let warnings = lines.iter().filter(|fault| fault.severity == Severity::Warning);
        let warnings = warnings.map(warning).collect();
        Ok(Read { settings, values: loaded.values, warnings })
    }
}
