//! Scopes that rows carry and the settings of their source do not tell of.

use sources::Report;
use suppression::Scope;

use crate::config::SourceSettings;

/// What to set for a source whose rows carry other scopes than was said. They count, and once
/// read they are remembered; but before that, nobody knew what the list could stop.
pub(super) fn wider(source: &SourceSettings, report: &Report) -> Option<String> {
    let said = match source.carries.as_slice() {
        [] => std::slice::from_ref(&source.scope),
        said => said,
    };
    // A list by its name is commercial mail, but for a stream that somebody declared otherwise;
    // who says commercial has said what is asked for here.
    let within = |scope: &Scope| match scope {
        Scope::All => false,
        Scope::Commercial => said.contains(&Scope::All),
        // A class is about messages on whatever stream.
        Scope::Named(_) if scope.is_class() => said.contains(&Scope::All),
        Scope::Named(_) => said.contains(&Scope::All) || said.contains(&Scope::Commercial),
    };
    let is_said = |scope: &Scope| said.iter().any(|one| one == scope || one.names(scope.as_str()));
    let told = |scope: &Scope| is_said(scope) || within(scope);
    let mut more: Vec<&Scope> = Vec::new();
    for scope in report.tallies.iter().map(|tally| &tally.scope) {
        if let Some(scope) = scope.as_ref().filter(|scope| !told(scope))
            && !more.contains(&scope)
        {
            more.push(scope);
        }
    }
    if more.is_empty() {
        return None;
    }
    let quoted = |scopes: &[&Scope]| {
        scopes.iter().map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>().join(", ")
    };
    let all: Vec<&Scope> = said.iter().chain(more.iter().copied()).collect();
    let right = if more.contains(&&Scope::All) { "\"all\"".to_owned() } else { quoted(&all) };
    Some(format!(
        "its rows are about {} as well; set scopes = [{right}], so that mail is deferred that it \
         could stop while it is unknown",
        quoted(&more)
    ))
}
