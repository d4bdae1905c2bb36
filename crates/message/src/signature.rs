//! Which fields a DKIM signature covers.

/// The names in `h=` of a `DKIM-Signature`, the value unfolded; none where there is no single
/// `h=`. RFC 6376 s3.2: a tag that is there twice makes the signature void.
///
/// `sig-h-tag = %x68 [FWS] "=" [FWS] hdr-name *( [FWS] ":" [FWS] hdr-name )`
pub fn signed_fields(value: &str) -> Vec<String> {
    let tags = value.split(';').filter_map(|tag| tag.split_once('='));
    let mut named = tags.filter(|(name, _)| name.trim() == "h").map(|(_, names)| names);
    let (Some(names), None) = (named.next(), named.next()) else { return Vec::new() };
    let names = names.split(':').map(|name| name.split_ascii_whitespace().collect::<String>());
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_colons_and_the_tag_stands_once() {
        for (value, names) in [
            ("v=1; a=rsa-sha256; h=From : To:\tSubject; b=h=x", &["From", "To", "Subject"][..]),
            ("v=1;h=from;", &["from"]),
            ("v=1; h=from; h=to", &[]),
            ("v=1; bh=from", &[]),
            ("v=1; H=from", &[]),
            ("h=", &[]),
            ("", &[]),
        ] {
            assert_eq!(signed_fields(value), names, "{value}");
        }
    }
}
