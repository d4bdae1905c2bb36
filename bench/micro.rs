//! The hot loops alone, on one thread: what a command, a recipient, a look-up and a
//! byte of mail cost. `cargo xtask bench` says whether optgate is fast enough; this
//! says where to look when it is not. Each figure is the median of seven passes.
//!
//! `cargo run --release -p relay --example micro`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement of what works: it prints, reads the clock, and may stop at the first surprise"
)]

use std::hint::black_box;
use std::time::Instant;

use address::{ForwardPath, PersonRules};
use smtp_wire::{
    Capabilities, DataDecoder, DataEncoder, DataStep, LineDecoder, LineEvent, ReplyDecoder, parse,
};
use suppression::{
    Batch, Case, Day, Hasher, Index, IndexKey, KeyId, Kind, Origin, Scope, Stream, Terms,
};

const LIST: u64 = 1_000_000;

fn main() {
    let offered = Capabilities { size: Some(0), pipelining: true, ..Capabilities::default() };
    let rcpt = |n: usize| format!("RCPT TO:<person{n:07}@shop{}.example>", n % 997).into_bytes();
    let lines: Vec<Vec<u8>> = (0..10_000).map(rcpt).collect();
    each("parse RCPT", lines.len(), || {
        for line in &lines {
            black_box(parse(line, &offered).is_ok());
        }
    });
    let group: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\r\n"[..]].concat()).collect();
    each("find a line", lines.len(), || {
        let mut decoder = LineDecoder::new(4096);
        let mut rest = group.as_slice();
        while let (used, Some(LineEvent::Line(line))) = decoder.decode(rest) {
            black_box(line.len());
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    });
    let replies = b"250 2.1.5 Ok\r\n".repeat(10_000);
    each("decode a reply", 10_000, || {
        let (mut decoder, mut rest) = (ReplyDecoder::new(), replies.as_slice());
        while let (used, Some(Ok(reply))) = decoder.decode(rest) {
            black_box(reply.code);
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    });
    recipients();
    data();
}

fn recipients() {
    let rules = PersonRules::default();
    let hasher = Hasher::new(KeyId(1), &[7; 32]);
    let texts: Vec<String> =
        (0..10_000).map(|n| format!("<person{n:07}@shop{}.example>", n % 997)).collect();
    each("parse a path", texts.len(), || {
        for text in &texts {
            black_box(ForwardPath::parse(text).is_ok());
        }
    });
    let paths: Vec<ForwardPath> =
        texts.iter().map(|text| ForwardPath::parse(text).unwrap()).collect();
    let boxes: Vec<_> = paths.iter().map(|path| path.mailbox().unwrap()).collect();
    each("canonical form", boxes.len(), || {
        for mailbox in &boxes {
            black_box(mailbox.canonical(&rules).is_ok());
        }
    });
    let canonical: Vec<_> =
        boxes.iter().map(|mailbox| mailbox.canonical(&rules).unwrap()).collect();
    each("both keys (HMAC)", canonical.len(), || {
        for address in &canonical {
            black_box(hasher.keys(address));
        }
    });
    let keys: Vec<_> = canonical.iter().map(|address| hasher.keys(address)).collect();
    let origin = Origin::new("crm", Kind::OptOut, Scope::Commercial);
    let mut batch = Batch::new();
    for n in 0..LIST {
        let digest = hasher.digest("person", &n.to_be_bytes());
        batch.push(IndexKey::from(&digest), &origin, Day::from_number(20_000), n).unwrap();
    }
    let index = Index::empty().with_batch(batch, LIST).unwrap();
    println!(
        "{:<28} {:>8.1} bytes",
        "an address in the index",
        index.memory() as f64 / index.len() as f64
    );
    let stream = Stream::default();
    let terms = Terms { stream: &stream, today: Day::from_number(20_500), grace: None };
    each("ask the index, a million in", keys.len(), || {
        for keys in &keys {
            let mut case = Case::default();
            index.gather(keys, &mut case);
            black_box(case.decide(&terms));
        }
    });
}

fn data() {
    let line = b"TWFpbCBpcyBhIGJvZHkgb2YgdGV4dCBsaW5lcyB0aGF0IHNvbWVib2R5IGhhZCB0byByZWFkLiBB\r\n";
    let content = line.repeat(5 << 20 >> 6);
    let mut wire = Vec::new();
    let mut encoder = DataEncoder::new();
    encoder.encode(&content, &mut wire);
    encoder.finish(&mut wire);
    rate("decode mail data", wire.len(), || {
        let (mut decoder, mut total) = (DataDecoder::new(), 0);
        for part in wire.chunks(16 << 10) {
            let mut rest = part;
            loop {
                let (used, step) = decoder.decode(rest);
                rest = &rest[used..];
                match step {
                    DataStep::Content(content) => total += content.len(),
                    DataStep::NeedMore | DataStep::End => break,
                    DataStep::Fault(fault) => panic!("{fault}"),
                }
            }
        }
        assert_eq!(black_box(total), content.len());
    });
    let mut out = Vec::with_capacity(32 << 10);
    rate("encode mail data", content.len(), || {
        let mut encoder = DataEncoder::new();
        for part in content.chunks(16 << 10) {
            out.clear();
            encoder.encode(part, &mut out);
            black_box(out.len());
        }
    });
}

fn each(what: &str, count: usize, pass: impl FnMut()) {
    println!("{what:<28} {:>8.1} ns", median(pass) * 1e9 / count as f64);
}

fn rate(what: &str, bytes: usize, pass: impl FnMut()) {
    println!("{what:<28} {:>8.0} MB/s", bytes as f64 / 1e6 / median(pass));
}

/// Seconds of the median of seven passes, after one that warms up.
fn median(mut pass: impl FnMut()) -> f64 {
    pass();
    let mut times: Vec<f64> = (0..7)
        .map(|_| {
            let began = Instant::now();
            pass();
            began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[3]
}
