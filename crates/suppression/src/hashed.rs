//! Lists of digests: what was made of an address before it was hashed, and how.
//!
//! Whoever passes a list on may give digests instead of addresses. They are looked up by making
//! the same digest of each recipient, so the list has to say how that is done.

/// The digest algorithm of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// MD5 (RFC 1321), 16 bytes.
    Md5,
    /// SHA-1 (FIPS 180-4), 20 bytes.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
}

/// What is done to an address before it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Normalise {
    /// White space around it is taken off and all of it is made lower case.
    #[default]
    Lower,
    /// Only the domain is made lower case.
    LowerDomain,
    /// Nothing: the address as somebody wrote it.
    AsIs,
}

/// What stands before and behind the address when it is hashed. Both are usually empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Salt {
    /// Before it.
    pub before: String,
    /// Behind it.
    pub behind: String,
}

/// How the digests of a list are made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HashedForm {
    /// By which algorithm.
    pub algorithm: HashAlgorithm,
    /// Of which form of the address.
    pub normalise: Normalise,
    /// With what around it.
    pub salt: Salt,
}
