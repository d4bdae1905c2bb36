//! No circles between the files of one crate, and nothing taken from its door.
//!
//! An arrow from one file to another is a path in its code that leads into the
//! other: `crate::line::LineDecoder`, `super::Row`, or the name of a child. The
//! root of a crate may name everybody; nobody may take something from the root.
//! Test modules do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

type Module = Vec<String>;

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let modules: BTreeMap<Module, &Source> = sources
        .iter()
        .filter(|source| !source.is_test())
        .filter_map(|source| Some((source.module()?, source)))
        .collect();
    let mut faults = Vec::new();
    let mut arrows: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, source) in modules.iter().filter(|(module, _)| !module.is_empty()) {
        let targets = arrows.entry(module).or_default();
        for path in source.paths() {
            let Some(path) = absolute(module, &path, &modules) else { continue };
            let target = (0..=path.len())
                .rev()
                .filter_map(|length| path.get(..length))
                .find(|prefix| modules.contains_key(*prefix));
            match target {
                Some([]) => faults.push(format!(
                    "{}: takes {} from the root of the crate; import it from the file that defines it",
                    source.name,
                    path.join("::")
                )),
                Some(target) if target != module.as_slice() => {
                    targets.insert(target.to_vec());
                }
                _ => {}
            }
        }
    }
    faults.extend(circles(&arrows).into_iter().map(|circle| {
        let names: Vec<&str> =
            circle.iter().filter_map(|m| modules.get(m)).map(|s| s.name.as_str()).collect();
        format!("a circle of files: {}", names.join(" -> "))
    }));
    faults
}

/// A path as seen from the root of the crate; `None` when it leads outside.
fn absolute(
    module: &Module,
    path: &[String],
    modules: &BTreeMap<Module, &Source>,
) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Module::new(),
        "self" => module.clone(),
        "super" => module.split_last()?.1.to_vec(),
        child => {
            let mut base = module.clone();
            base.push(child.to_owned());
            modules.contains_key(&base).then_some(base)?
        }
    };
    for part in rest {
        if part == "super" {
            base.pop();
        } else {
            base.push(part.clone());
        }
    }
    Some(base)
}

/// One shortest circle through each group of files that reach each other.
fn circles(arrows: &BTreeMap<&Module, BTreeSet<Module>>) -> Vec<Vec<Module>> {
    let mut found: Vec<Vec<Module>> = Vec::new();
    for start in arrows.keys() {
        if found.iter().any(|circle| circle.contains(start)) {
            continue;
        }
        found.extend(shortest_circle(start, arrows));
    }
    found
}

fn shortest_circle(
    start: &Module,
    arrows: &BTreeMap<&Module, BTreeSet<Module>>,
) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| arrows.get(last)).into_iter().flatten() {
                let mut way = way.clone();
                way.push(next.clone());
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}
