//! What other programs say of a failure, without what it may hold: addresses, tokens, passwords.

/// The longest text that is told, in characters.
const TOLD: usize = 300;
/// The shortest run of letters and digits that may be a secret.
const SECRET: usize = 20;

/// One line for the log: `secrets` and whatever looks like one are masked, and so are addresses.
pub(super) fn masked(text: &str, secrets: &[&str]) -> String {
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD * 4).collect();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        line = line.replace(secret, "***");
    }
    let line = evidence::mask_addresses(&line);
    let mut told = String::new();
    let part = |c: char| c.is_ascii_alphanumeric() || "+/=_-.~%".contains(c);
    let mut rest = &*line;
    while let Some(first) = rest.chars().next() {
        let same = part(first);
        let end = rest.find(|c| part(c) != same).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        let digits = run.bytes().any(|byte| byte.is_ascii_digit());
        match same && digits && run.len() >= SECRET {
            true => told.push_str("***"),
            false => told.push_str(run),
        }
        rest = tail;
    }
    told.trim().chars().take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn what_may_be_a_secret_is_not_told_and_the_rest_is() {
        for (text, told) in [
            (
                "invalid_client: AADSTS7000215: bad\r\nsecret",
                "invalid_client: AADSTS7000215: bad  secret",
            ),
            ("no token for bob@corp.example", "no token for ***"),
            ("sent hunter2, refused", "sent ***, refused"),
            ("Bearer eyJ0eXAiOiJKV1QiLCJhbGciOi.x1.y2 refused", "Bearer *** refused"),
            ("", ""),
        ] {
            assert_eq!(masked(text, &["hunter2", ""]), told, "{text}");
        }
        assert!(masked(&"word ".repeat(500), &[]).len() <= 300);
    }
}
