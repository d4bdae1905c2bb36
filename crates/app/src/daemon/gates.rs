//! What is done about the messages of a listener: gates, completion, and who remembers those of
//! which nobody knows what became.

use std::sync::Arc;

use policy::{AuthorDomain, HeaderCheck, HeaderGate, HeaderGates, Unsettled};
use proxy::UnsettledMessages;
use relay::MessageRules;

use crate::config::{GateCheck, ListenerSettings, Settings};

/// Those of one listener, the gates in the order of the file.
pub(super) fn rules(
    settings: &Settings,
    listener: &ListenerSettings,
    unsettled: &Arc<UnsettledMessages>,
) -> MessageRules {
    let own = settings.gates.iter().filter(|gate| gate.is_for(listener.address));
    let gates: Vec<_> = own
        .filter_map(|gate| match &gate.check {
            GateCheck::Header(check) => {
                let check = match check {
                    HeaderCheck::OneClick(_) => {
                        HeaderCheck::OneClick(signed_here(settings, listener))
                    }
                    other => other.clone(),
                };
                Some(HeaderGate { rule: gate.rule.clone(), check })
            }
            GateCheck::Content(..) => None,
        })
        .collect();
    MessageRules {
        gates: (!gates.is_empty()).then(|| Arc::new(HeaderGates::new(gates))),
        complete: listener.complete,
        unsettled: Some(Arc::clone(unsettled) as Arc<dyn Unsettled>),
    }
}

/// Whose messages get a signature of this gate behind the gates: it covers the fields about
/// unsubscribing wherever they are there.
fn signed_here(settings: &Settings, listener: &ListenerSettings) -> Vec<Vec<AuthorDomain>> {
    let own = settings.dkim.iter().filter(|one| one.is_for(listener.address));
    own.map(|one| one.signing.authors.clone()).collect()
}
