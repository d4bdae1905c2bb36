//! What a file is by its first octets, whatever it says it is.

/// Names of the type that these octets begin a file of, the best known first. None where they
/// tell nothing for certain.
pub fn sniffed(octets: &[u8]) -> &'static [&'static str] {
    const KNOWN: &[(&[u8], &[&str])] = &[
        (
            b"MZ",
            &[
                "application/x-msdownload",
                "application/x-dosexec",
                "application/vnd.microsoft.portable-executable",
            ],
        ),
        (b"\x7fELF", &["application/x-executable", "application/x-elf"]),
        (b"\xcf\xfa\xed\xfe", &["application/x-mach-binary"]),
        (b"\xca\xfe\xba\xbe", &["application/java-vm", "application/x-mach-binary"]),
        (b"L\0\0\0\x01\x14\x02\0", &["application/x-ms-shortcut"]),
        (b"PK\x03\x04", &["application/zip", "application/x-zip-compressed"]),
        (b"PK\x05\x06", &["application/zip", "application/x-zip-compressed"]),
        (b"Rar!\x1a\x07", &["application/vnd.rar", "application/x-rar-compressed"]),
        (b"7z\xbc\xaf\x27\x1c", &["application/x-7z-compressed"]),
        (b"\x1f\x8b", &["application/gzip", "application/x-gzip"]),
        (b"BZh", &["application/x-bzip2"]),
        (b"\xfd7zXZ\0", &["application/x-xz"]),
        (b"\x28\xb5\x2f\xfd", &["application/zstd"]),
        (b"MSCF\0\0\0\0", &["application/vnd.ms-cab-compressed"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &["application/x-ole-storage"]),
        (b"{\\rtf", &["application/rtf", "text/rtf"]),
        (b"%PDF-", &["application/pdf"]),
        (b"\x89PNG\r\n\x1a\n", &["image/png"]),
        (b"\xff\xd8\xff", &["image/jpeg"]),
        (b"GIF87a", &["image/gif"]),
        (b"GIF89a", &["image/gif"]),
        (b"#!", &["text/x-shellscript", "application/x-sh"]),
    ];
    let known = KNOWN.iter().find(|(magic, _)| octets.starts_with(magic));
    known.map_or(&[], |(_, names)| *names)
}

/// Encrypted with OpenPGP, or packed by Outlook (TNEF), whatever it says it is.
pub(super) fn is_sealed(octets: &[u8]) -> bool {
    octets.starts_with(b"\x78\x9f\x3e\x22")
        || memchr::memmem::find(octets, b"-----BEGIN PGP MESSAGE-----").is_some()
}

/// Names by which programs know what is encrypted or packed (RFC 8551 s3.2.1).
pub(super) fn names_sealed(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    name == "winmail.dat" || [".p7m", ".pgp", ".gpg"].iter().any(|end| name.ends_with(end))
}
