use super::*;

pub(crate) fn decision(reference: Reference, transaction: Reference) -> Decision {
    Decision {
        time: "2026-03-02T10:15:00.5Z".parse().unwrap(),
        session: "s1".into(),
        client: "10.0.0.7".parse().unwrap(),
        login: None,
        tls: None,
        listener: "10.0.0.1:25".parse().unwrap(),
        reference,
        transaction,
        reverse_path_domain: Some("corp.example".into()),
        recipient: Some((&Digest([0xab; 32])).into()),
        person: Some((&Digest([0xcd; 32])).into()),
        recipient_plain: None,
        stream: Some("default".into()),
        streams: Vec::new(),
        refusing: Vec::new(),
        verdict: Verdict::Refuse,
        gate: "opt-out".into(),
        reason: Some("opted out on 2026-03-02 (list crm.csv)".into()),
        list: Some("crm.csv".into()),
        since: Some("2026-03-02".parse().unwrap()),
        until: None,
        entry: Some(7),
        epoch: 41,
        reply: ReplyText { code: 550, text: "5.7.1 opted out".into() },
    }
}

pub(crate) fn intent(transaction: Reference) -> Intent {
    Intent {
        time: "2026-03-02T10:15:01Z".parse().unwrap(),
        session: "s1".into(),
        client: "2001:db8::7".parse().unwrap(),
        login: Some("shop".into()),
        tls: None,
        transaction,
        reverse_path_domain: None,
        stream: Some("receipts".into()),
        class: Some(Class::Transactional),
        recipients: 2,
        message_id: Some("<1@corp.example>".into()),
        bytes: 2048,
    }
}

pub(crate) fn outcome(transaction: Reference) -> Outcome {
    Outcome {
        time: "2026-03-02T10:15:02Z".parse().unwrap(),
        session: "s1".into(),
        client: "2001:db8::7".parse().unwrap(),
        login: Some("shop".into()),
        tls: None,
        transaction,
        reverse_path_domain: None,
        stream: Some("receipts".into()),
        class: Some(Class::Transactional),
        recipients: 2,
        dropped: 1,
        message_id: Some("<1@corp.example>".into()),
        bytes: 2048,
        duration_ms: 1500,
        ending: Ending::Accepted,
        why: None,
        reply: Some(ReplyText { code: 250, text: "2.0.0 queued as 1234".into() }),
    }
}

pub(crate) fn line(record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    record.write_line(&mut line).unwrap();
    line
}

fn names() -> (Reference, Reference) {
    (Reference::new(1_772_446_500_123, 1), Reference::new(1_772_446_500_000, 2))
}

/// The form of the lines is read by other programs: a change here is a change for operators.
#[test]
fn the_lines_as_they_are_written() {
    let (reference, transaction) = names();
    assert_eq!(
        String::from_utf8(line(&Record::Decision(&decision(reference, transaction)))).unwrap(),
        concat!(
            r#"{"record":"decision","time":"2026-03-02T10:15:00.5Z","session":"s1","#,
            r#""client":"10.0.0.7","listener":"10.0.0.1:25","ref":"1KJQ0PH8V0001","#,
            r#""transaction":"1KJQ0PH500002","reverse_path_domain":"corp.example","#,
            r#""recipient":"abababababababababababababababab","#,
            r#""person":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","stream":"default","#,
            r#""verdict":"refuse","gate":"opt-out","#,
            r#""reason":"opted out on 2026-03-02 (list crm.csv)","list":"crm.csv","#,
            r#""since":"2026-03-02","entry":7,"epoch":41,"#,
            r#""reply":{"code":550,"text":"5.7.1 opted out"}}"#,
            "\n"
        )
    );
    assert_eq!(
        String::from_utf8(line(&Record::Intent(&intent(transaction)))).unwrap(),
        concat!(
            r#"{"record":"intent","time":"2026-03-02T10:15:01Z","session":"s1","#,
            r#""client":"2001:db8::7","login":"shop","transaction":"1KJQ0PH500002","#,
            r#""stream":"receipts","class":"transactional","recipients":2,"#,
            r#""message_id":"<1@corp.example>","bytes":2048}"#,
            "\n"
        )
    );
    assert_eq!(
        String::from_utf8(line(&Record::Outcome(&outcome(transaction)))).unwrap(),
        concat!(
            r#"{"record":"outcome","time":"2026-03-02T10:15:02Z","session":"s1","#,
            r#""client":"2001:db8::7","login":"shop","transaction":"1KJQ0PH500002","#,
            r#""stream":"receipts","class":"transactional","recipients":2,"dropped":1,"#,
            r#""message_id":"<1@corp.example>","bytes":2048,"duration_ms":1500,"#,
            r#""ending":"accepted","reply":{"code":250,"text":"2.0.0 queued as 1234"}}"#,
            "\n"
        )
    );
}

#[test]
fn an_undecided_stream_names_those_still_possible_and_those_that_refuse() {
    let (reference, transaction) = names();
    let mut decision = decision(reference, transaction);
    decision.login = Some("shop".into());
    decision.tls = Some("TLSv1.3 TLS_AES_128_GCM_SHA256".into());
    decision.stream = None;
    decision.streams = vec!["receipts".into(), "default".into()];
    decision.refusing = vec!["default".into()];
    decision.verdict = Verdict::Provisional;
    decision.until = Some("2026-03-16".parse().unwrap());
    let line = String::from_utf8(line(&Record::Decision(&decision))).unwrap();
    for field in [
        r#""login":"shop","tls":"TLSv1.3 TLS_AES_128_GCM_SHA256","listener":"10.0.0.1:25","#,
        r#""streams":["receipts","default"],"refusing":["default"],"verdict":"provisional","#,
        r#""since":"2026-03-02","until":"2026-03-16","entry":7,"#,
    ] {
        assert!(line.contains(field), "{field} in {line}");
    }
    assert!(!line.contains(r#""stream":"#));
}

#[test]
fn a_short_digest_is_the_beginning_of_the_long_one() {
    let digest = Digest(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
    assert_eq!(ShortDigest::from(&digest).to_string(), digest.to_string()[..32]);
}

#[test]
fn lines_are_appended_to_what_the_buffer_holds() {
    let (_, transaction) = names();
    let mut buffer = b"before".to_vec();
    Record::Intent(&intent(transaction)).write_line(&mut buffer).unwrap();
    assert_eq!(
        buffer,
        [b"before", line(&Record::Intent(&intent(transaction))).as_slice()].concat()
    );
}

#[test]
fn what_a_peer_sent_cannot_end_the_line_or_act_on_a_terminal() {
    let (reference, transaction) = names();
    let mut decision = decision(reference, transaction);
    decision.reply.text =
        "5.7.1 a\r\n{\"record\":\"outcome\"}\u{1b}[2J\u{9b}2J\u{202e}\0\u{7f}".into();
    decision.recipient_plain = Some("\u{85}".into());
    let line = line(&Record::Decision(&decision));
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    let text = std::str::from_utf8(&line).unwrap().trim_end();
    assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
    let read: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(read["reply"]["text"], decision.reply.text.as_str());
    assert_eq!(crate::lines::records(&line).count(), 1, "no record within a record");
}

#[test]
fn the_longest_record_fits_the_longest_line_that_is_read() {
    let (reference, transaction) = names();
    let worst = "\u{1}".repeat(100_000);
    let mut decision = decision(reference, transaction);
    decision.recipient_plain = Some(worst.clone());
    decision.reason = Some(worst.clone());
    decision.list = Some(worst.clone());
    decision.reply.text = worst;
    assert!(line(&Record::Decision(&decision)).len() < 128 * 1024);
}

#[test]
fn a_finding_is_read_back_as_it_was_written() {
    let (_, transaction) = names();
    let finding = Finding {
        time: "2026-03-02T10:15:01Z".parse().unwrap(),
        session: "s1".into(),
        client: "10.0.0.7".parse().unwrap(),
        login: None,
        listener: "10.0.0.1:25".parse().unwrap(),
        transaction,
        reverse_path_domain: Some("corp.example".into()),
        stream: Some("news".into()),
        message_id: Some("<1@corp.example>".into()),
        gate: "gate one-click".into(),
        verdict: Verdict::Refuse,
        reason: "no List-Unsubscribe".to_owned(),
        reply: Some(ReplyText { code: 550, text: "5.7.1 no List-Unsubscribe".into() }),
    };
    let line = line(&Record::Finding(&finding));
    let seen: crate::Seen<'_> = serde_json::from_slice(&line).unwrap();
    assert!(line.starts_with(br#"{"record":"finding","time":"2026-03-02T10:15:01Z""#));
    let text = |text: &Option<crate::Text<'_>>| text.as_ref().map(|text| text.to_string());
    assert_eq!(text(&seen.gate), Some("gate one-click".to_owned()));
    assert_eq!(text(&seen.verdict), Some("refuse".to_owned()));
    assert_eq!(text(&seen.reason), Some("no List-Unsubscribe".to_owned()));
    assert_eq!(text(&seen.transaction), Some(transaction.to_string()));
    assert_eq!(text(&seen.message_id), Some("<1@corp.example>".to_owned()));
    assert_eq!(text(&seen.stream), Some("news".to_owned()));
    assert_eq!(seen.reply.map(|reply| reply.code), Some(550));
}
