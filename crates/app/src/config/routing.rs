//! Which smarthosts a stream's mail may go to: routes, and the numbers they are known by.

use std::ops::Range;

use relay::{RouteId, Routes, SmarthostId};

use super::choice::Identity;
use super::fault::Fault;
use super::file::Stream;
use super::settings::{RouteSettings, SmarthostSettings};

/// The routes of the streams; the first is everybody.
pub(crate) fn routes(
    streams: &[Stream],
    smarthosts: &[SmarthostSettings],
    faults: &mut Vec<Fault>,
) -> RouteSettings {
    let everybody: Vec<SmarthostId> = (0..smarthosts.len()).map(id).collect();
    let mut candidates = vec![everybody];
    let mut by_stream = Vec::new();
    for stream in streams {
        let route = match stream.smarthost.get() {
            None => RouteId::default(),
            Some(said) => {
                let mut members: Vec<SmarthostId> = said
                    .0
                    .iter()
                    .filter_map(|(name, span)| named(name, Some(span.clone()), smarthosts, faults))
                    .collect();
                members.sort_unstable();
                members.dedup();
                route(&mut candidates, members)
            }
        };
        by_stream.push(route);
    }
    let introduce = smarthosts.iter().any(|host| host.identity == Identity::Xclient);
    RouteSettings { candidates, routes: Routes { by_stream, introduce, ..Routes::default() } }
}

pub(crate) fn id(at: usize) -> SmarthostId {
    SmarthostId(u16::try_from(at).unwrap_or(u16::MAX))
}

/// The route to these; a new one if there is none.
pub(crate) fn route(candidates: &mut Vec<Vec<SmarthostId>>, members: Vec<SmarthostId>) -> RouteId {
    let at = candidates.iter().position(|known| *known == members).unwrap_or_else(|| {
        candidates.push(members);
        candidates.len() - 1
    });
    RouteId(u16::try_from(at).unwrap_or(u16::MAX))
}

/// The smarthost of that name.
pub(crate) fn named(
    name: &str,
    span: Option<Range<usize>>,
    smarthosts: &[SmarthostSettings],
    faults: &mut Vec<Fault>,
) -> Option<SmarthostId> {
    let found = smarthosts.iter().position(|host| host.name.eq_ignore_ascii_case(name));
    if found.is_none() {
        let known: Vec<_> = smarthosts.iter().map(|host| host.name.as_str()).collect();
        faults.push(
            Fault::maybe_at(span, format!("no [[smarthost]] is named \"{name}\""))
                .help(format!("there is: {}", known.join(", "))),
        );
    }
    found.map(id)
}
