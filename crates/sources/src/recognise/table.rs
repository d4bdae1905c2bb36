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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognise::{Word, kind};
    use suppression::Kind;

    const PAGE: &str = include_str!("../../../../docs/sources.md");

    #[test]
    fn the_page_names_every_kind_of_export() {
        for provider in all() {
            assert!(PAGE.contains(provider.name), "{} is not in docs/sources.md", provider.name);
        }
    }

    #[test]
    fn the_words_of_the_page_mean_what_it_says() {
        let (_, section) = PAGE.split_once("| the row is | words |").unwrap();
        let mut words = 0;
        for line in section.lines().skip(2).take_while(|line| line.starts_with('|')) {
            let mut cells = line.trim_matches('|').split(" | ");
            let expected = match cells.next().unwrap().trim() {
                "left out" => Word::Not,
                "of the kind of the source" => Word::Default,
                name => Word::Kind(name.parse::<Kind>().unwrap()),
            };
            let listed = cells.next().unwrap().split('`').skip(1).step_by(2);
            for word in listed {
                assert_eq!(kind(word), expected, "{word}");
                words += 1;
            }
        }
        assert!(words > 40);
    }
}
