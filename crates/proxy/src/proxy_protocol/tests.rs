use super::*;

/// Reads as the socket is read: never more than was asked for. Tells how many octets it took.
fn feed(mut bytes: &[u8]) -> (Result<Progress, Fault>, usize) {
    let mut held = Vec::new();
    loop {
        match progress(&held) {
            Ok(Progress::Needs(wanted)) => {
                assert!(wanted > 0, "{held:?}");
                let taken = wanted.min(bytes.len());
                if taken == 0 {
                    return (Ok(Progress::Needs(wanted)), held.len());
                }
                held.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
            }
            other => return (other, held.len()),
        }
    }
}

fn client(header: &[u8]) -> Option<IpAddr> {
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(b"EHLO pc.example\r\n");
    match feed(&bytes) {
        (Ok(Progress::Complete(client)), taken) => {
            assert_eq!(taken, header.len(), "and not one octet of what is behind it");
            client
        }
        other => panic!("{other:?}"),
    }
}

fn refused(header: &[u8]) {
    let (result, _) = feed(header);
    assert!(result.is_err(), "{:?}: {result:?}", String::from_utf8_lossy(header));
}

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.extend_from_slice(&[command, family]);
    header.extend_from_slice(&u16::try_from(block.len()).unwrap().to_be_bytes());
    header.extend_from_slice(block);
    header
}

const FOUR: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x30, 0x39, 0, 25];

#[test]
fn a_line_names_the_client() {
    let address = |text: &str| Some(text.parse().unwrap());
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\r\n", address("192.0.2.7")),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", address("255.255.255.255")),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", address("0.0.0.0")),
        ("PROXY TCP6 2001:db8::7 ::1 1 25\r\n", address("2001:db8::7")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN what ever it is\r\n", None),
    ] {
        assert_eq!(client(line.as_bytes()), expected, "{line}");
    }
    // The longest there can be: 107 octets.
    let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let line = format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n");
    assert_eq!(line.len(), 107);
    assert_eq!(client(line.as_bytes()), None);
    refused(format!("PROXY UNKNOWN {full} {full} 65535 655355\r\n").as_bytes());
}

#[test]
fn a_line_is_read_strictly() {
    for line in [
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345 25\rX",
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345\r25\r\n",
        "PROXY TCP4  192.0.2.7 192.0.2.1 12345 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345 25 \r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345 25 26\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 012345 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 12345 025\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 +1 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 -1 25\r\n",
        "PROXY TCP4 192.0.2.07 192.0.2.1 1 25\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.1 1 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2 1 25\r\n",
        "PROXY TCP4 2001:db8::7 ::1 1 25\r\n",
        "PROXY TCP6 192.0.2.7 192.0.2.1 1 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        "PROXY UDP4 192.0.2.7 192.0.2.1 1 25\r\n",
        "PROXY tcp4 192.0.2.7 192.0.2.1 1 25\r\n",
        "PROXY TCP4\r\n",
        "proxy TCP4 192.0.2.7 192.0.2.1 1 25\r\n",
        "PROXY\tTCP4 192.0.2.7 192.0.2.1 1 25\r\n",
        "PROXY TCP4\t192.0.2.7 192.0.2.1 1 25\r\n",
        "EHLO pc.example\r\n",
        " PROXY UNKNOWN\r\n",
    ] {
        refused(line.as_bytes());
    }
}

#[test]
fn what_is_no_header_is_seen_at_its_first_wrong_octet() {
    for (begin, wrong) in [(&b"PRO"[..], b'Z'), (b"\r\n\r\n\0", b'X'), (b"", b'E')] {
        if !begin.is_empty() {
            assert!(matches!(progress(begin), Ok(Progress::Needs(1..))));
        }
        assert!(progress(&[begin, &[wrong]].concat()).is_err());
    }
}

#[test]
fn a_binary_header_names_the_client() {
    assert_eq!(client(&v2(0x21, 0x11, &FOUR)), Some("192.0.2.7".parse().unwrap()));
    let mut six = [0; 36];
    six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    six[15] = 7;
    assert_eq!(client(&v2(0x21, 0x21, &six)), Some("2001:db8::7".parse().unwrap()));
    assert_eq!(client(&v2(0x21, 0x31, &[0; 216])), None);
    assert_eq!(client(&v2(0x21, 0x00, &[])), None);
}

#[test]
fn a_local_one_is_the_front_ends_own_whatever_follows() {
    assert_eq!(client(&v2(0x20, 0x00, &[])), None);
    assert_eq!(client(&v2(0x20, 0x11, &FOUR)), None);
    assert_eq!(client(&v2(0x20, 0xff, &[9; 70])), None);
}

#[test]
fn a_binary_header_is_read_strictly() {
    for (command, family, block) in [
        (0x11, 0x11, &FOUR[..]),
        (0x31, 0x11, &FOUR),
        (0x22, 0x11, &FOUR),
        (0x21, 0x12, &FOUR),
        (0x21, 0x22, &[0; 36]),
        (0x21, 0x32, &[0; 216]),
        (0x21, 0x41, &FOUR),
        (0x21, 0x11, &FOUR[..11]),
        (0x21, 0x21, &[0; 35]),
        (0x21, 0x31, &[0; 215]),
    ] {
        refused(&v2(command, family, block));
    }
    let mut broken = v2(0x21, 0x11, &FOUR);
    broken[11] = b'\r';
    refused(&broken);
}

fn with_extras(extras: &[&[u8]]) -> Vec<u8> {
    v2(0x21, 0x11, &[&FOUR[..], &extras.concat()].concat())
}

#[test]
fn extras_are_skipped_and_must_be_whole() {
    let sni: &[u8] = &[0x02, 0, 3, b'a', b'.', b'b'];
    let nothing: &[u8] = &[0x04, 0, 0];
    assert_eq!(client(&with_extras(&[sni, nothing])), Some("192.0.2.7".parse().unwrap()));
    // As long as the length can tell.
    let long = [&[0xe0, 0xff, 0xf0][..], &vec![7; 0xfff0]].concat();
    assert!(long.len() + FOUR.len() == 0xffff);
    assert_eq!(client(&with_extras(&[&long])), Some("192.0.2.7".parse().unwrap()));
    refused(&with_extras(&[sni, &[0x04, 0]]));
    refused(&with_extras(&[&[0x04, 0, 9, 1]]));
}

#[test]
fn a_checksum_is_verified() {
    // The check value of the algorithm.
    assert_eq!(crc32c(b"123456789".iter().copied()), 0xE306_9283);
    let zeros: &[u8] = &[CRC32C, 0, 4, 0, 0, 0, 0];
    let sni: &[u8] = &[0x02, 0, 1, b'a'];
    let mut header = with_extras(&[zeros, sni]);
    refused(&header);
    let at = BINARY_HEAD + FOUR.len() + 3;
    let sum = crc32c(header.iter().copied()).to_be_bytes();
    header[at..at + 4].copy_from_slice(&sum);
    assert_eq!(client(&header), Some("192.0.2.7".parse().unwrap()));
    for place in [BINARY_HEAD, at, header.len() - 1] {
        let mut wrong = header.clone();
        wrong[place] ^= 1;
        refused(&wrong);
    }
    refused(&with_extras(&[&[CRC32C, 0, 3, 0, 0, 0]]));
}

#[test]
fn a_header_cut_anywhere_is_waited_for() {
    for header in [b"PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n".to_vec(), v2(0x21, 0x11, &FOUR)] {
        for cut in 0..header.len() {
            let (result, taken) = feed(&header[..cut]);
            assert!(matches!(result, Ok(Progress::Needs(_))), "{cut}: {result:?}");
            assert_eq!(taken, cut);
        }
    }
}

#[tokio::test]
async fn what_is_behind_the_header_stays_in_the_socket() {
    use tokio::io::AsyncWriteExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let header = with_extras(&[&[0x04, 3, 0][..], &[0; 768]]);
    for (sent, expected) in [
        (&header[..], Some("192.0.2.7".parse().unwrap())),
        (b"PROXY TCP6 2001:db8::7 ::1 1 25\r\n", Some("2001:db8::7".parse().unwrap())),
        (b"PROXY UNKNOWN\r\n", None),
    ] {
        let mut front_end = TcpStream::connect(at).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        front_end.write_all(&[sent, b"EHLO pc\r\n"].concat()).await.unwrap();
        assert_eq!(read_header(&mut stream).await.unwrap(), expected);
        let mut rest = [0; 9];
        stream.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"EHLO pc\r\n");
    }
    for sent in [&b"EHLO pc\r\n"[..], b"PROXY UNKNOWN\r", b"", &header[..20]] {
        let mut front_end = TcpStream::connect(at).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        front_end.write_all(sent).await.unwrap();
        drop(front_end);
        assert!(read_header(&mut stream).await.is_err(), "{sent:?}");
    }
}
