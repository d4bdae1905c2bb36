//! Messages of programs, and what the checks say of them.

use message::Content;
use message::content::Shown;
use proptest::prelude::*;

use super::*;

fn fixture(name: &str) -> Content {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../message/fixtures");
    Content::decode(&std::fs::read(folder.join(name)).unwrap())
}

fn decoded(message: &str) -> Content {
    Content::decode(message.replace('\n', "\r\n").as_bytes())
}

fn html(body: &str) -> Content {
    decoded(&format!("Content-Type: text/html; charset=utf-8\n\n<html><body>{body}"))
}

fn plain(body: &str) -> Content {
    decoded(&format!("Content-Type: text/plain; charset=utf-8\n\n{body}"))
}

fn address() -> ContentCheck {
    let written =
        ["9 Other Road, Elsewhere", "Example Corp\n12 Harbour Street\nSpringfield, IL 62701"];
    ContentCheck::PostalAddress(written.iter().map(|w| PostalAddress::new(w).unwrap()).collect())
}

fn notice() -> ContentCheck {
    ContentCheck::OptOutNotice(NoticeWords::default())
}

fn found(check: &ContentCheck, content: &Content) -> Option<String> {
    match check.judge(content) {
        Judgement::Clear => None,
        Judgement::Found(found) => Some(found),
        Judgement::Unreadable(why) => panic!("{why}"),
    }
}

#[test]
fn real_messages_have_both() {
    for name in
        ["outlook.eml", "newsletter.eml", "base64-html.eml", "latin1-plain.eml", "flowed.eml"]
    {
        let content = fixture(name);
        assert_eq!(found(&address(), &content), None, "{name}");
        assert_eq!(found(&notice(), &content), None, "{name}");
    }
    let chinese = fixture("gb18030.eml");
    assert_eq!(found(&notice(), &chinese), None);
    let there = PostalAddress::new("上海市 海港路12号").unwrap();
    assert_eq!(found(&ContentCheck::PostalAddress(vec![there]), &chinese), None);
    assert_eq!(found(&address(), &fixture("calendar.eml")), None);
    assert_eq!(
        found(&notice(), &fixture("calendar.eml")).as_deref(),
        Some("no opt-out notice that works in its text/plain part")
    );
}

/// D-T7: the address in one alternative only.
#[test]
fn each_alternative_needs_the_address() {
    let both = |plain: &str, html: &str| {
        decoded(&format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{plain}\n--b\n\
             Content-Type: text/html\n\n<p>{html}</p>\n--b--"
        ))
    };
    let full = "Example Corp, 12 Harbour Street, Springfield IL 62701";
    let none = Some("no postal address in its text/plain part");
    assert_eq!(found(&address(), &both("Hello", full)).as_deref(), none);
    let none = Some("no postal address in its text/html part");
    assert_eq!(found(&address(), &both(full, "Hello")).as_deref(), none);
    assert_eq!(found(&address(), &both(full, full)), None);
    assert_eq!(found(&address(), &both("9 other road - ELSEWHERE", full)), None);
    let hidden = format!("<span style='display:none'>{full}</span>");
    assert!(found(&address(), &both(full, &hidden)).is_some());

    // A footer that is a part of its own counts for both.
    let footer = decoded(&format!(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; \
         boundary=b\n\n--b\n\nHello\n--b\nContent-Type: text/html\n\n<p>Hello\n--b--\n--m\n\n{full}\n--m--"
    ));
    assert_eq!(found(&address(), &footer), None);

    let forwarded = fixture("forward.eml");
    assert_eq!(
        found(&address(), &forwarded).as_deref(),
        Some("no postal address in its text/plain part")
    );
    let picture = decoded("Content-Type: image/png\n\nx");
    assert_eq!(picture.shown, Shown::Nothing);
    assert_eq!(
        found(&address(), &picture).as_deref(),
        Some("no postal address in it: it shows no text")
    );
    let attached = decoded(&format!("Content-Disposition: attachment\n\n{full}"));
    assert!(found(&address(), &attached).is_some());
}

#[test]
fn an_address_is_whole() {
    let check = address();
    for text in [
        "Example Corp 12 Harbour Street Springfield IL 62701",
        "EXAMPLE CORP.\n12, Harbour Street\n\n  Springfield / IL - 62701.",
        "> Example Corp\n> 12 Harbour Street\n> Springfield, IL\n> 62701",
    ] {
        assert_eq!(found(&check, &plain(text)), None, "{text}");
    }
    for text in [
        "Example Corp 12 Harbour Street Springfield IL 627012",
        "NotExample Corp 12 Harbour Street Springfield IL 62701",
        "Example Corp 12 Harbour Street Springfield",
        "",
    ] {
        assert!(found(&check, &plain(text)).is_some(), "{text}");
    }
    assert_eq!(PostalAddress::new(" -- \n"), None);
}

#[test]
fn notices_that_work() {
    for text in [
        "Unsubscribe: https://a.example/u",
        "To unsubscribe, visit\nhttps://a.example/u?id=1",
        "You can opt-out at any time here:\n\n<https://a.example/u>",
        "If you no longer wish to\nreceive this, write to leave@a.example.",
        "Reply with STOP to unsubscribe.",
        "To opt out, simply reply to this message with \"no\" in its subject.",
        "Click https://a.example/u to unsubscribe",
        "www.a.example/u - abmelden",
        "Wenn Sie keine weiteren E-Mails wünschen,\nantworten Sie auf diese Nachricht.",
        "Se désinscrire : https://a.example/u",
        "Si no deseas recibir más correos: https://a.example/u",
        "Avprenumerera (https://a.example/u)",
        "配信停止はこちら\nhttps://a.example/u",
        "如需退订，请访问 https://a.example/u",
        "Отписаться от рассылки: https://a.example/u",
        "수신거부 https://a.example/u",
        "Unsubscribe <mailto:leave@a.example?subject=x>",
    ] {
        assert_eq!(found(&notice(), &plain(text)), None, "{text}");
    }
    for body in [
        "<a href='https://a.example/u'>Unsubscribe</a>",
        "<a href='HTTP://a.example'><img src=x alt='Opt out'></a>",
        "<a href='mailto:leave@a.example'>Abmelden</a>",
        "To unsubscribe, <a href='https://a.example/u'>click here</a>.",
        "<p>If you don&rsquo;t want to receive these:</p><p><a href='https://a.example/u'>Here</a></p>",
        "<p>Unsubscribe: https://a.example/u</p>",
        "<p>To unsubscribe, reply to this message.</p>",
        "<td><a href='https://a.example/v'>View</a> | <a href='https://a.example/u'>Se d&eacute;sabonner</a></td>",
    ] {
        assert_eq!(found(&notice(), &html(body)), None, "{body}");
    }
}

#[test]
fn notices_that_do_not_work() {
    for text in [
        "",
        "Visit https://a.example/",
        "Unsubscribe",
        "View online: https://a.example/v\n\nUnsubscribe",
        "View: https://a.example/v | Unsubscribe",
        "Unsubscribe | Privacy",
        "Unsubscribe: {{unsubscribe_url}}",
        "Unsubscribe: https://a.example/*|UNSUB|*",
        "Unsubscribe: http://",
        "Unsubscribe: javascript:void(0)",
        "Unsubscribe\n\nPrivacy at Example Corp\nhttps://a.example/p",
    ] {
        assert!(found(&notice(), &plain(text)).is_some(), "{text}");
    }
    for body in [
        "<a href='#'>Unsubscribe</a>",
        "<a>Unsubscribe</a>",
        "<a href='javascript:x()'>Unsubscribe</a>",
        "<a href='[unsubscribe]'>Unsubscribe</a>",
        "<a href='https://a.example/{{u}}'>Unsubscribe</a>",
        "<a href='#'>Unsubscribe</a> <a href='https://a.example/p'>Privacy</a>",
        "<p>Unsubscribe</p><p><a href='https://a.example/p'>Privacy</a> of your data</p>",
        "<a href='https://a.example/v'>View</a> | Unsubscribe",
        "<a href='https://a.example/u' style='display:none'>Unsubscribe</a>",
        "<p style='color:#fff'><a style='color:#fff' href='https://a.example/u'>Unsubscribe</a></p>",
        "<!-- <a href='https://a.example/u'>Unsubscribe</a> -->",
    ] {
        let found = found(&notice(), &html(body));
        assert!(found.is_some(), "{body}");
    }
}

/// A notice in HTML, and a plain text that lost its links.
#[test]
fn a_notice_in_one_alternative_is_none() {
    let content = decoded(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHello\n\nUnsubscribe\n--b\n\
         Content-Type: text/html\n\n<a href='https://a.example/u'>Unsubscribe</a>\n--b--",
    );
    assert_eq!(
        found(&notice(), &content).as_deref(),
        Some("no opt-out notice that works in its text/plain part")
    );
}

#[test]
fn own_words() {
    let check = ContentCheck::OptOutNotice(NoticeWords::new(["Nimm mich raus"]).unwrap());
    assert_eq!(found(&check, &plain("NIMM MICH RAUS: https://a.example/u")), None);
    assert_eq!(found(&check, &plain("Unsubscribe: https://a.example/u")), None);
    assert!(found(&notice(), &plain("nimm mich raus: https://a.example/u")).is_some());
    assert_eq!(NoticeWords::new(["a", " - "]), None);
}

fn text(expression: &str) -> ContentCheck {
    ContentCheck::Text(expression.parse().unwrap())
}

#[test]
fn texts_are_searched_everywhere() {
    let check = text("(?i)project falcon");
    let fits = "fits the expression";
    for (content, place) in [
        (plain("About Project Falcon"), "its text/plain part"),
        (html("Project <b>Fal</b>con"), "its text/html part"),
        (html("<p style='display:none'>Project Falcon</p>"), "its text/html part"),
        (html("<!--[if mso]>Project Falcon<![endif]-->"), "its text/html part"),
        (html("<a href='https://a.example/project falcon'>x</a>"), "its text/html part"),
        (decoded("Subject: =?utf-8?q?project_fa?= =?utf-8?b?bGNvbg==?=\n\nx"), "its Subject"),
        (
            decoded("Content-Type: message/rfc822\n\nSubject: x\n\nProject Falcon"),
            "its text/plain part",
        ),
        (
            decoded("Content-Disposition: attachment; filename=a.txt\n\nproject falcon"),
            "its text/plain part",
        ),
        (
            decoded("Content-Type: text/plain; format=flowed\n\nproject \nfalcon"),
            "its text/plain part",
        ),
    ] {
        assert_eq!(found(&check, &content), Some(format!("{place} {fits}")));
    }
    assert_eq!(found(&check, &plain("project eagle")), None);
}

fn attachments(rules: AttachmentRules) -> ContentCheck {
    ContentCheck::Attachments(rules)
}

fn patterns(all: &[&str]) -> Vec<crate::pattern::Pattern> {
    all.iter().map(|one| one.parse().unwrap()).collect()
}

fn named(name: &str) -> Content {
    decoded(&format!(
        "Content-Type: application/octet-stream\nContent-Disposition: attachment; {name}\n\nx"
    ))
}

#[test]
fn names_of_attachments() {
    let check = attachments(AttachmentRules {
        names: patterns(&["*.exe", "secret*"]),
        ..Default::default()
    });
    for name in [
        "filename=\"SETUP.EXE\"",
        "filename=\"setup.exe.\"",
        "filename=\"setup.exe \"",
        "filename=\"c:\\\\temp\\\\Secret plan.doc\"",
        "filename*=utf-8''setup%2Eexe",
        "filename*0=set; filename*1=up.e; filename*2=xe",
        "filename=\"=?utf-8?B?c2V0dXAuZXhl?=\"",
        "filename=\"set\u{200b}up.ex\u{200b}e\"",
        "filename=\"set\u{ad}up.ex\u{2060}e\"",
        "filename=\"ｓｅｔｕｐ．ｅｘｅ\"",
        "filename=set up.exe",
        "filename=\"setup.exe",
        "filename*=utf-8''setup.exe%00.txt",
        "filename*=utf-8''setup.exe%3A.txt",
        "filename*1=up.exe; filename*3=\".\"",
        "filename=a.txt; filename=setup.exe",
        "filename=ok.txt; filename*0=setup.e; filename*1=xe",
        "filename=\"setup.exe::$DATA\"",
        "filename=\"setup.exe%00.txt\"",
        "filename=\"setup%2Eexe\"",
        "filename=\"'setup.exe'\"",
        "filename=\"setup.exe\u{feff}\"",
        "filename=\"setup.exe/\"",
        "filename=\"setup.exe/ \\\\\"",
    ] {
        assert!(found(&check, &named(name)).is_some(), "{name}");
    }
    assert_eq!(
        found(&check, &named("filename=a.exe")).as_deref(),
        Some("an attachment with a name as \"*.exe\"")
    );
    for name in ["filename=\"setup.exe.txt\"", "x=y", "filename=exe"] {
        assert_eq!(found(&check, &named(name)), None, "{name}");
    }
    let by_type = decoded(
        "Content-Type: image/png; name=\"a.exe\"\nContent-Disposition: inline; filename=a.png\n\nx",
    );
    assert!(found(&check, &by_type).is_some());
    let encoded = plain("See\n\nbegin 644 a.exe\n#0V%T\n`\nend\n");
    assert!(found(&check, &encoded).is_some());
}

#[test]
fn names_that_hide_what_a_file_is() {
    let check = attachments(AttachmentRules { double_extensions: true, ..Default::default() });
    for name in [
        "invoice.pdf.exe",
        "Invoice.PDF .SCR",
        "photo.jpg                  .js",
        "a.b.doc.vbs",
        "cod\u{202e}fdp.exe",
        "inv.pdf.docm",
        "inv.pdf.appref-ms",
    ] {
        assert!(found(&check, &named(&format!("filename=\"{name}\""))).is_some(), "{name}");
    }
    for name in ["setup.exe", "version 1.2.exe", "backup.tar.gz", "mr. smith.pdf", ".exe"] {
        assert_eq!(found(&check, &named(&format!("filename=\"{name}\""))), None, "{name}");
    }
    assert!(found(&check, &fixture("forward.eml")).is_some());
}

#[test]
fn types_and_sizes() {
    let check = attachments(AttachmentRules {
        types: patterns(&["application/x-dosexec", "video/*"]),
        ..Default::default()
    });
    let disguised = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAA=";
    assert_eq!(
        found(&check, &decoded(disguised)).as_deref(),
        Some("an attachment of the type application/x-dosexec")
    );
    assert!(found(&check, &decoded("Content-Type: VIDEO/mp4\n\nx")).is_some());
    assert_eq!(found(&check, &fixture("outlook.eml")), None);

    let sizes = |larger_than, all_larger_than| {
        attachments(AttachmentRules { larger_than, all_larger_than, ..Default::default() })
    };
    let outlook = fixture("outlook.eml");
    assert_eq!(found(&sizes(Some(104), Some(152)), &outlook), None);
    assert_eq!(
        found(&sizes(Some(103), None), &outlook).as_deref(),
        Some("an attachment of 104 octets, more than 103")
    );
    assert_eq!(
        found(&sizes(None, Some(151)), &outlook).as_deref(),
        Some("attachments of 152 octets, more than 151")
    );
}

#[test]
fn what_cannot_be_read_is_not_passed() {
    let broken = fixture("broken-boundary.eml");
    let why = "cannot be read whole: a multipart without its boundary, boundaries that can be \
               read in two ways";
    for check in [text("falcon"), attachments(AttachmentRules::default())] {
        assert_eq!(check.judge(&broken), Judgement::Unreadable(why.to_owned()));
    }
    let worse = text("Seen by some");
    assert!(matches!(worse.judge(&broken), Judgement::Found(_)));
    let deep = decoded(&"Content-Type: message/rfc822\n\n".repeat(100));
    let Judgement::Unreadable(why) = text("x").judge(&deep) else { panic!() };
    assert_eq!(why, "too complex to be judged: parts within parts, more than 24");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Wherever its lines are broken and whatever stands between its words.
    #[test]
    fn an_address_is_found_however_it_is_written(
        before in "([a-z]{1,9} ){0,20}", behind in "( [a-z]{1,9}){0,20}",
        gaps in prop::collection::vec("[ ,.;\n\t-]{1,4}", 7), upper in any::<bool>(),
        as_html in any::<bool>(),
    ) {
        let words = ["Example", "Corp", "12", "Harbour", "Street", "Springfield", "IL", "62701"];
        let mut written = String::from(words[0]);
        for (gap, word) in gaps.iter().zip(&words[1..]) {
            written += gap;
            written += word;
        }
        if upper {
            written = written.to_uppercase();
        }
        let content = match as_html {
            true => html(&format!("{before}<p>{}</p>{behind}", written.replace('\n', "<br>"))),
            false => plain(&format!("{before}\n{written}\n{behind}")),
        };
        prop_assert_eq!(found(&address(), &content), None);
    }

    #[test]
    fn no_text_panics(body in "\\PC{0,200}", as_html in any::<bool>()) {
        let content = if as_html { html(&body) } else { plain(&body) };
        for check in [address(), notice(), text("x+")] {
            check.judge(&content);
        }
    }
}

#[test]
fn words_are_found_however_they_are_hidden() {
    let check = ContentCheck::Text("(?i)lottery".parse().unwrap());
    let rest = "Content-Type: text/plain; charset=utf-8\n\nSee\n";
    let attached = |kind: &str, name: &str, body: &str| {
        decoded(&format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n{rest}--b\nContent-Type: {kind}\n\
             Content-Disposition: attachment; filename={name}\n\n{body}\n--b--\n"
        ))
    };
    for content in [
        plain("lot\u{200b}te\u{ad}ry"),
        plain("ｌｏｔｔｅｒｙ"),
        decoded("Subject: =?utf-8?Q?lot=E2=80=8Btery?=\n\nSee"),
        decoded("Content-Transfer-Encoding: quoted-printable\n\nlot=\ntery"),
        decoded("Content-Transfer-Encoding: quoted-printable\n\nlot= \t\nte=72y"),
        decoded("Content-Type: text/plain; charset=utf-7\n\n+AGw-ottery"),
        decoded("Content-Type: multipart/mixed; boundary=\"b \"\n\n--b  \n\nlottery"),
        html("lot<!-- x -->ter&#121;"),
        html("lot<span style='display:none'>x</span>te&shy;ry"),
        html("lot&#8203;tery"),
        html("<b>lot</b><i>tery</i>"),
        html("<style>p::before { content: 'lottery' }</style><p>x"),
        html("<!-- never ended lottery"),
        html("x<a title=\"lottery"),
        decoded("Content-Type: text/x-new; charset=utf-8\n\n<b>lot</b>tery"),
        decoded("Content-Type: text/enriched\n\n<bold>lot</bold>tery"),
        attached("application/octet-stream", "a.html", "<b>lot</b>tery"),
        attached("application/octet-stream", "a.txt", "lottery"),
        attached("application/octet-stream", "a.eml", "Subject: lottery\n\nlottery"),
        attached("image/svg+xml", "a.svg", "<svg><text>lot</text>tery</svg>"),
        attached("message/delivery-status", "x", "Action: lottery"),
        attached("text/calendar", "x", "SUMMARY:lot\n tery"),
        attached("x-new/form", "x", "lottery"),
        attached("message/rfc822", "x", "Subject: =?utf-8?b?bG90dGVyeQ?=\n\nx"),
        decoded("Content-Transfer-Encoding: (x) base64\n\nbG90dGVyeQ=="),
        decoded("Subject: lot=?utf-8?q?ter?=y\n\nSee"),
        decoded("Subject: =?utf-8?b?bG90dGVyeQ?=\n\nSee"),
        decoded(
            "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n\
             //5sAG8AdAB0AGUAcgB5AA==",
        ),
        decoded(
            "Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: base64\n\n\
             AGwAbwB0AHQAZQByAHk=",
        ),
        html("<svg><style><p>lot<b></b>tery</p></style></svg>"),
        html("<math><script><p>lottery</p></script></math>"),
        html("<svg><text><![CDATA[lottery]]></text></svg>"),
        html("<style style='display:block'>lottery</style>"),
    ] {
        assert!(found(&check, &content).is_some(), "{content:#?}");
    }
    // What is read in two ways is no permit.
    for message in [
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; \
         boundary=b\n\n--b\n\nx\n--b--\n",
        "Content-Type: text\n\n<b>lot</b>tery",
        "Content-Transfer-Encoding: x-new\n\nbG90dGVyeQ==",
        "Content-Transfer-Encoding: 7bit (x)\n\nbG90dGVyeQ==",
        "Content-Type: text/plain\nContent-Type: text/html\n\nx",
        "Content-Type: message/partial; number=1\n\nx",
        "Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nx",
        "Content-Type: application/octet-stream; name=smime.p7m\n\nx",
        "Content-Type: application/octet-stream; name=Winmail.dat\n\nx",
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\neJ8+Ig==",
        "Content-Type: text/plain\rX: y\n\nx",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\r--b\n\ny\n--b--\n",
    ] {
        let judged = check.judge(&decoded(message));
        assert!(matches!(judged, Judgement::Unreadable(_)), "{message:?}: {judged:?}");
    }
}

#[test]
fn a_footer_must_be_in_the_document_that_is_shown() {
    let footer = "Example Corp, 12 Harbour Street, Springfield, IL 62701";
    let related = |start: &str, first: &str, second: &str| {
        decoded(&format!(
            "Content-Type: multipart/related; boundary=b{start}\n\n--b\n\n{first}\n--b\n\
             Content-ID: <r@x>\n\n{second}\n--b--\n"
        ))
    };
    let named = "; start=\"<r@x>\"";
    assert!(found(&address(), &related(named, footer, "x")).is_some());
    assert!(found(&address(), &related(named, "x", footer)).is_some());
    assert_eq!(found(&address(), &related(named, footer, footer)), None);
    assert_eq!(found(&address(), &related("", footer, "x")), None);
    assert_eq!(found(&address(), &related("; start=\"<other@x>\"", footer, "x")), None);
    let second = |multipart: &str, kind: &str| {
        decoded(&format!(
            "Content-Type: multipart/{multipart}; boundary=b\n\n--b\n\n{footer}\n--b\n\
             Content-Type: {kind}\nContent-Disposition: attachment\n\n<p>x\n--b--\n"
        ))
    };
    for kind in ["text/html", "text/enriched"] {
        assert!(found(&address(), &second("alternative", kind)).is_some(), "{kind}");
        assert_eq!(found(&address(), &second("mixed", kind)), None, "{kind}");
    }
}

#[test]
fn the_notice_of_a_long_text_is_at_one_of_its_ends() {
    let words = "To unsubscribe: https://news.corp.example/u/7f3a\n";
    let long = "Words and words.\n".repeat(100_000);
    assert_eq!(found(&notice(), &plain(&format!("{long}{long}{words}"))), None);
    assert_eq!(found(&notice(), &plain(&format!("{words}{long}{long}"))), None);
    let line = "words ".repeat(1_000_000);
    assert_eq!(found(&notice(), &plain(&format!("{line}{words}"))), None);
    assert!(found(&notice(), &plain(&line)).is_some());
}

#[test]
fn letters_that_stand_for_many_have_a_bound() {
    let letters = "\u{fdfa}".repeat(60_000);
    let long = decoded(&format!("Content-Type: text/plain; charset=utf-8\n\n{letters} 12 harbour"));
    let short = decoded("Content-Type: text/plain; charset=utf-8\n\n\u{fdfa} 12 harbour");
    let text = ContentCheck::Text("falcon".parse().unwrap());
    let here = ContentCheck::Text("12 harbour".parse().unwrap());
    let postal = ContentCheck::PostalAddress(vec![PostalAddress::new("12 Harbour").unwrap()]);
    let files = attachments(AttachmentRules { names: patterns(&["*.exe"]), ..Default::default() });
    for check in [&text, &postal] {
        let judged = check.judge(&long);
        assert!(matches!(&judged, Judgement::Unreadable(why) if why.contains("too complex")));
        assert_eq!(check.judge(&short), Judgement::Clear);
    }
    assert!(matches!(here.judge(&long), Judgement::Found(_)));
    let file = named(&format!("filename=\"{letters}.txt\""));
    assert!(matches!(files.judge(&file), Judgement::Unreadable(_)));
    assert_eq!(files.judge(&long), Judgement::Clear);
}
