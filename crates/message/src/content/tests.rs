//! Messages as programs write them, and as nobody should.

mod made;
mod readings;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn read(name: &str) -> Content {
    Content::decode(&fixture(name))
}

/// The texts in a row, for comparing.
fn seen(content: &Content) -> Vec<(TextKind, &str)> {
    content.texts.iter().map(|text| (text.kind, text.visible.trim())).collect()
}

#[test]
fn outlook() {
    let content = read("outlook.eml");
    assert_eq!(content.problems, []);
    assert_eq!(content.subjects, ["Angebot für Frühjahr"]);
    let [plain, html] = content.texts.as_slice() else { panic!("{content:#?}") };
    assert!(plain.visible.contains("Angebot für das Frühjahr.\r\n\r\nExample Corp\r\n12 Harb"));
    assert_eq!(
        html.visible,
        "Guten Tag,\nanbei unser Angebot für das Frühjahr.\nLogo\nExample Corp\n\
         12 Harbour Street\nSpringfield, IL 62701\nAbmelden\n"
    );
    let link = &html.links[0];
    assert_eq!(&html.visible[link.place.clone()], "Abmelden");
    assert_eq!(link.target, "https://news.corp.example/u/7f3a");
    assert_eq!(content.shown, Shown::All(vec![Shown::OneOf(vec![Shown::Text(0), Shown::Text(1)])]));
    let [picture, document] = content.attachments.as_slice() else { panic!("{content:#?}") };
    assert_eq!(
        (picture.names.as_slice(), picture.inline),
        (&["image001.png".to_owned()][..], true)
    );
    assert_eq!(
        (picture.media.as_str(), picture.sniffed[0], picture.size),
        ("image/png", "image/png", 48)
    );
    assert_eq!(document.names, ["Angebot Frühjahr.docx", "Angebot Frühjahr.docx"]);
    assert_eq!(
        (document.sniffed[0], document.size, document.inline),
        ("application/zip", 104, false)
    );
}

#[test]
fn newsletter() {
    let content = read("newsletter.eml");
    assert_eq!(content.problems, []);
    assert_eq!(content.subjects, ["🌷 Spring is here – 30 % off"]);
    let [_, html] = content.texts.as_slice() else { panic!("{content:#?}") };
    assert_eq!(
        html.visible.trim_end(),
        "Spring is here\nExample\u{a0}Corp · 12 Harbour\u{ad} Street · Springfield, IL\u{200b} 62701\n\
         You get this because you have signed up. View online | Unsubscribe"
    );
    let targets: Vec<_> = html.links.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "https://click.corp.example/ls/click?upn=abc&x=1",
            "https://click.corp.example/unsub?u=1&id=2"
        ]
    );
    assert_eq!(&html.visible[html.links[1].place.clone()], "Unsubscribe");
    let whole = html.whole.as_deref().unwrap();
    assert!(whole.contains("Secret preheader") && whole.contains("Up to 30% off"));
    assert!(!html.visible.contains("pixel"));
}

#[test]
fn charsets_and_encodings() {
    let html = read("base64-html.eml");
    assert!(html.texts[0].visible.starts_with("Grüße\nExample Corp, 12\u{a0}Harbour"));
    assert_eq!(html.shown, Shown::Text(0));
    let latin = read("latin1-plain.eml");
    assert!(latin.texts[0].visible.contains("le café est prêt"));
    let chinese = read("gb18030.eml");
    assert_eq!(chinese.subjects, ["春季优惠"]);
    assert!(chinese.texts[0].visible.contains("上海市海港路12号"));
    let unlabelled = read("plain-8bit-unlabelled.eml");
    assert!(unlabelled.texts[0].visible.starts_with("Grüße aus der Nacht"));
    for content in [html, latin, chinese, unlabelled] {
        assert_eq!(content.problems, []);
    }
}

#[test]
fn flowed() {
    let content = read("flowed.eml");
    let text = &content.texts[0].visible;
    assert!(text.contains("where all of our new machines"), "{text}");
    assert!(text.contains("-- \nCarol, Example Corp, 12 Harbour Street"), "{text}");
}

#[test]
fn parts_that_only_some_see_are_told() {
    let content = read("broken-boundary.eml");
    assert_eq!(content.problems, [Problem::NoBoundary, Problem::OddBoundary]);
    assert!(content.texts[0].visible.contains("Seen by some"));
    assert!(content.texts[1].visible.contains("Lost and found"));
    assert_eq!(content.attachments[0].names, ["behind.exe"]);
}

#[test]
fn a_message_that_is_cut_off_is_read_as_far_as_it_goes() {
    let content = read("truncated.eml");
    assert_eq!(content.problems, []);
    assert_eq!(seen(&content).len(), 2);
    assert!(content.texts[1].visible.ends_with("Not end"));
}

#[test]
fn an_attached_message_says_nothing_for_the_message_itself() {
    let content = read("forward.eml");
    assert_eq!(content.subjects, ["Fwd: Invoice"]);
    assert_eq!(content.shown, Shown::All(vec![Shown::Text(0)]));
    assert!(content.texts[1].visible.starts_with("Inner text"));
    let names: Vec<_> = content.attachments.iter().flat_map(|one| &one.names).collect();
    assert_eq!(names, ["invoice.pdf.exe"]);
    assert_eq!(content.attachments[1].sniffed[0], "application/x-msdownload");
    let digest = read("digest.eml");
    assert_eq!(seen(&digest).len(), 2);
    assert_eq!(digest.shown, Shown::All(vec![]));
}

#[test]
fn a_calendar_is_no_way_to_read_the_text() {
    let content = read("calendar.eml");
    assert_eq!(content.shown, Shown::OneOf(vec![Shown::Text(0), Shown::Text(1)]));
    assert_eq!(content.texts[2].kind, TextKind::Other);
}

#[test]
fn what_only_one_program_reads_is_told() {
    assert_eq!(read("tnef.eml").problems, [Problem::Sealed]);
}

fn problems(message: &str) -> Vec<Problem> {
    Content::decode(message.replace('\n', "\r\n").as_bytes()).problems
}

#[test]
fn what_programs_read_differently_is_told() {
    let cases = [
        (
            "Content-Type: text/plain\nContent-Type: text/html\n\nx",
            vec![Problem::Twice("Content-Type")],
        ),
        ("Content-Type : text/html\n\nx", vec![Problem::BrokenHeader]),
        ("Subject: x\nno field\nContent-Type: text/html\n\nx", vec![Problem::BrokenHeader]),
        ("Subject: x\n  \nContent-Type: text/html\n\nx", vec![Problem::BrokenHeader]),
        ("Content-Transfer-Encoding: x-uuencode\n\nx", vec![Problem::UnknownEncoding]),
        ("Content-Transfer-Encoding: base64\n\nSGVs*bG8=", vec![Problem::BrokenEncoding("base64")]),
        ("Content-Type: text/plain; charset=klingon\n\nx", vec![Problem::UnknownCharset]),
        ("Content-Type: multipart/mixed\n\n--x\n\nx", vec![Problem::NoBoundary]),
        (
            "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\nx\n--b\n\ny",
            vec![Problem::Twice("boundary")],
        ),
        (
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a b\n\ny\n--a--",
            vec![Problem::OddBoundary],
        ),
        ("Content-Type: message/partial; id=x; number=1\n\nx", vec![Problem::Piece]),
        ("Content-Type: multipart/encrypted; boundary=a\n\n--a\n\nx\n--a--", vec![Problem::Sealed]),
        (
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx",
            vec![Problem::Sealed],
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(problems(message), expected, "{message}");
    }
    let sound = "Content-Type: multipart/mixed; boundary=\"a b\"\n\npre\n--a b \n\nx\n--a b--\nepi";
    assert_eq!(problems(sound), []);
}

#[test]
fn depth_number_and_size_have_bounds() {
    let nested = |levels: usize| {
        let mut message = String::new();
        for level in 0..levels {
            message +=
                &format!("Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n");
        }
        message + "Content-Type: text/plain\n\nthe innermost"
    };
    assert_eq!(problems(&nested(DEPTH_MAX)), []);
    assert_eq!(problems(&nested(DEPTH_MAX + 1)), [Problem::TooDeep]);
    assert_eq!(problems(&nested(5_000)), [Problem::TooDeep]);

    let wide = |parts: usize| {
        "Content-Type: multipart/mixed; boundary=b\n\n".to_owned() + &"--b\n\nx\n".repeat(parts)
    };
    assert_eq!(problems(&wide(PARTS_MAX - 1)), []);
    assert_eq!(problems(&wide(PARTS_MAX)), [Problem::TooManyParts]);
    assert_eq!(problems(&wide(PARTS_MAX * 50)), [Problem::TooManyParts]);

    let html = |depth: usize| format!("Content-Type: text/html\n\n{}x", "<div>".repeat(depth));
    assert_eq!(problems(&html(500)), []);
    assert_eq!(problems(&html(100_000)), [Problem::HtmlTooDeep]);
}

/// A message within a message within a message, each in base64, and all of it too much.
#[test]
fn decoded_octets_have_a_bound() {
    let mut reading = vec![b'x'; 1 << 10];
    reading.splice(0..0, *b"\r\n");
    let content = parts::read_within(&reading, 1 << 10);
    assert_eq!(content.problems, []);
    let content = parts::read_within(&reading, (1 << 10) - 1);
    assert_eq!(content.problems, [Problem::TooLarge]);
    assert!(Problem::TooLarge.is_too_complex());
}

fn visible(html: &str) -> String {
    let message = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}");
    Content::decode(message.as_bytes()).texts[0].visible.trim().to_owned()
}

#[test]
fn hidden_texts_are_hidden() {
    let hidden = [
        "<div style='display:none'>X</div>",
        "<div style=\"Display : None !important\">X</div>",
        "<p style='visibility:hidden'>X</p>",
        "<span style='font-size:0'>X</span>",
        "<span style='font-size:0px;line-height:1'>X</span>",
        "<span style='font-size:1px'>X</span>",
        "<span style='font:0/0 a'>X</span>",
        "<div style='font-size:0%'><b>X</b></div>",
        "<div style='opacity:0'>X</div>",
        "<div style='max-height:0;overflow:hidden'>X</div>",
        "<div style='width:0px;height:0px;overflow:hidden'><p>X</p></div>",
        "<div style='text-indent:-9999px'>X</div>",
        "<div style='position:absolute;left:-5000px'>X</div>",
        "<div style='mso-hide:all'>X</div>",
        "<div style='color:#fff'>X</div>",
        "<font color=white>X</font>",
        "<table bgcolor='#000000'><tr><td><font color=black>X</font></table>",
        "<div style='background:#123456;color:rgb(18,52,86)'>X</div>",
        "<div style='color:transparent'>X</div>",
        "<div hidden>X</div>",
        "<!-- X -->",
        "<!--[if mso]>X<![endif]-->",
        "<script>X</script>",
        "<style>X</style>",
        "<title>X</title>",
        "<template>X</template>",
        "<noscript>X</noscript>",
        "<textarea>X</textarea>",
        "<style>.h{display:none}</style><p class='a h'>X</p>",
        "<p class=h>X</p><style>p.h , #x { font-size : 0 }</style>",
        "<style>/* a */ #x{color:#FFF!important}</style><p id=x style='color:black'>X</p>",
        "<img width=1 height=1 alt=X>",
        "<div title='X'></div>",
        "<p style='display:none'>X<p></p>",
        "<div style='display:none;display:nonsense'>X</div>",
        "<div style='visibility:hidden;visibility:x;opacity:x'>X</div>",
        "<div style='opacity:0;opacity:x'>X</div>",
        "<div style='max-height:0;overflow:hidden;overflow:x'>X</div>",
        "<div style='color:white;color:nonsense'>X</div>",
        "<style>.y{content:'}'}.x{display:none}</style><p class=x>X</p>",
        "<style>.y{background:url(})}.x{display:none}</style><p class=x>X</p>",
        "<p style=\"content:';';display:none\">X</p>",
        "<p style='content:\"/*\";display:none'>X</p>",
        "<ruby><rp>X</rp></ruby>",
        "<meter>X</meter>",
        "<progress>X</progress>",
        "<p style='color:ivory'>X</p>",
        "<p style='color:GhostWhite'>X</p>",
        "<p style='color:Canvas'>X</p>",
        "<p style='-webkit-text-fill-color:#fff'>X</p>",
        "<p style='font-size:max(0px,0px)'>X</p>",
        "<p style='font-size:calc( 0 * ( 0px + 0em ) )'>X</p>",
    ];
    for html in hidden {
        assert_eq!(visible(&format!("a {html} b")).replace(['\n', ' '], ""), "ab", "{html}");
    }
}

#[test]
fn visible_texts_are_visible() {
    let shown = [
        "<div style='font-size:0'><span style='font-size:12px'>X</span></div>",
        "<div style='visibility:hidden'><b style='visibility:visible'>X</b></div>",
        "<div style='max-height:0'>X</div>",
        "<div style='background-color:#000;color:#fff'>X</div>",
        "<div style='background:url(x.png) #fff;color:#fff'>X</div>",
        "<td bgcolor=#333333 style='color:white'>X</td>",
        "<p style='display:none'>h<p>X",
        "<li style='display:none'>h<li>X",
        "<table><tr style='display:none'><td>h<tr><td>X</table>",
        "<div style='display:none'>h</div>X",
        "<div style='display:none'><b>h</div>X",
        "<span style='display:none'>h</span>X",
        "<!--[if !mso]><!-->X<!--<![endif]-->",
        "<!-->X<!-- -->",
        "<style>@media (max-width:600px){p{display:none}}</style><p>X</p>",
        "<style>.a .b{display:none}</style><p class=b>X</p>",
        "<style>.h{display:none}</style><p class=h style='display:block !important'>X</p>",
        "<div style='font-size:8pt;color:#999'>X</div>",
        "<img alt=X width=600>",
        "<a href=x>X</a>",
        "<div style='height:0'>X</div>",
        "<xmp>X</xmp>",
        "&#88;",
        "<unknown>X</unknown>",
        "<div style='display:none;display:-webkit-inline-box'>X</div>",
        "<div style='display:none;display:inline flow'>X</div>",
        "<div style='color:white;color:inherit'>X</div>",
        "<div style='color:white;color:hsl(1 2 3)'>X</div>",
        "<div style='color:white;-webkit-text-fill-color:#333'>X</div>",
        "<div style='color:white;color:SaddleBrown'>X</div>",
        "<p style='font-size:max(0px,12px)'>X</p>",
        "<p style='font-size:calc()'>X</p>",
        "<style>.x{content:'}.x{display:none}'}</style><p class=x>X</p>",
    ];
    for html in shown {
        let visible = visible(html);
        assert_eq!(visible, "X", "{html}");
    }
}

#[test]
fn links_and_their_texts() {
    let content = Content::decode(
        b"Content-Type: text/html\r\n\r\n<p>To leave, <a href=' https://a.example/x '>click <b>here</b></a>.\
          <a name=x>no</a> <a href='#'><img alt='Unsubscribe' src=u></a>\
          <a href=y style='display:none'>gone</a>",
    );
    let text = &content.texts[0];
    let links: Vec<_> = text
        .links
        .iter()
        .map(|link| (link.target.as_str(), &text.visible[link.place.clone()]))
        .collect();
    assert_eq!(links, [("https://a.example/x", "click here"), ("#", "Unsubscribe"), ("y", "")]);
}

#[test]
fn what_is_decoded_is_in_proportion_to_the_message() {
    let nested = |levels: usize| {
        let inner = format!("\n{}", "x\n".repeat(500_000));
        "Content-Type: message/rfc822\n\n".repeat(levels) + &inner
    };
    assert_eq!(problems(&nested(6)), []);
    assert_eq!(problems(&nested(12)), [Problem::TooLarge]);
}
