//! All kinds of exports that are known. The first that fits counts, so what is told by little
//! comes late.

use super::look::Look;
use super::provider::Provider;
use super::{
    amazon, automation, brevo, mailchimp, mailgun, plain_lists, platforms, postmark, sendgrid,
    sparkpost,
};

/// The kind of export a list is, if it is one of those that are known.
pub(crate) fn recognise(look: &Look<'_>) -> Option<&'static Provider> {
    all().find(|provider| (provider.fits)(look))
}

pub(super) fn all() -> impl Iterator<Item = &'static Provider> {
    let groups: [&'static [Provider]; 10] = [
        &postmark::ALL,
        &mailchimp::ALL,
        &sparkpost::ALL,
        &brevo::ALL,
        &automation::ALL,
        &platforms::ALL,
        &amazon::ALL,
        &mailgun::ALL,
        &sendgrid::ALL,
        &plain_lists::ALL,
    ];
    groups.into_iter().flatten()
}
