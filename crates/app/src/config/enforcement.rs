//! `[enforcement]`: from when on an opt-out is enforced. At once is the default.

use suppression::Grace;

use super::file::Enforcement;
use super::settings::EnforcementSettings;

pub(crate) fn settle(said: &Enforcement) -> EnforcementSettings {
    let calendar = said.calendar.value.into();
    let grace = said.grace.value.0.map(|business_days| Grace { business_days, calendar });
    EnforcementSettings { grace, calendar }
}
