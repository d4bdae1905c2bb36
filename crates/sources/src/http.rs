//! A list that a web server gives out (RFC 9110).
//!
//! It is asked whether the list is another than the last time (ETag, Last-Modified), and the body
//! goes into a file without a name before any of it counts. A body that is shorter than it was
//! said to be is an error, and so is one of which nobody said how long it is: a cut list could
//! not be told from a whole one. What is compressed stays so; readers of lists know it by itself.
//!
//! There is no proxy, whatever the environment names: a list comes from where the configuration
//! says. At most five redirects are followed, none to another scheme: `https://` never becomes
//! `http://`, and nobody relies on a first step that anybody could have changed. To another host
//! or port goes no login, and nothing of what the first one said.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use observe::Secret;
use reqwest::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, TRANSFER_ENCODING,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use suppression::Timestamp;

use crate::remote::{Password, RemoteError, Tls, client_config, provider};
use crate::when::{self, When};

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// A way to a list on a web server.
#[derive(Debug, Clone)]
pub struct WebAccess {
    /// `http://` or `https://`, without user and password.
    pub url: String,
    /// Who asks, by basic authentication (RFC 7617).
    pub user: Option<String>,
    /// The password of the user; without a user it is a bearer token (RFC 6750).
    pub password: Option<Password>,
    /// How the connection is protected: off for `http://`, and on for `https://`.
    pub tls: Tls,
    /// For an answer to begin, and for more of it to come.
    pub timeout: Duration,
    /// Most bytes that are taken.
    pub limit: u64,
}

/// By what a server knows again what it gave; kept between two fetches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// ETag, as it came.
    pub etag: Option<String>,
    /// Last-Modified, as it came.
    pub modified: Option<String>,
}

impl Validators {
    /// When the page was written, if the server says so.
    #[must_use]
    pub fn written(&self) -> Option<Timestamp> {
        match when::read(self.modified.as_deref()?) {
            When::At(written) => Some(written),
            When::Absent | When::Odd => None,
        }
    }
}

/// What came of asking.
#[derive(Debug)]
pub enum Fetched {
    /// It is what it was.
    NotModified,
    /// It is here.
    Page(Page),
}

/// A list as a server gave it.
#[derive(Debug)]
pub struct Page {
    /// Its bytes, to be read from the first on; nobody else can open it.
    pub file: File,
    /// How many.
    pub bytes: u64,
    /// What it is called: by the server (Content-Disposition), else by the end of the URL, and
    /// empty when that has none.
    pub name: String,
    /// For the next time.
    pub validators: Validators,
}

/// Fetches a list into an unnamed file in this folder, unless it is the one already `known`.
///
/// # Errors
/// Why there is no list. No part of one is left behind.
pub async fn fetch(
    access: &WebAccess,
    known: &Validators,
    folder: &Path,
) -> Result<Fetched, RemoteError> {
    let url = location(access)?;
    let server = server(&url);
    let faults = Faults { server: &server, limit: access.timeout };
    let client = client(access, &server).map_err(|error| match error {
        Unbuilt::Tls(error) => error,
        Unbuilt::Client(error) => faults.of(&error),
    })?;
    let response = ask(&client, url, headers(access, known)?, faults).await?;
    let status = response.status();
    let conditional = *known != Validators::default();
    match status {
        StatusCode::OK => body(access, faults, response, folder).await.map(Fetched::Page),
        StatusCode::NOT_MODIFIED if conditional => Ok(Fetched::NotModified),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(RemoteError::Login { server, what: status.to_string() })
        }
        _ => Err(faults.answer(format!("{status} instead of the list"))),
    }
}

/// The URL, if it is one that can be asked so.
fn location(access: &WebAccess) -> Result<Url, RemoteError> {
    let setting = |what: &str| RemoteError::Setting { what: what.to_owned() };
    // What the text is, is not repeated: it may hold a key.
    let url = Url::parse(&access.url)
        .map_err(|error| setting(&format!("the URL of the list is not legible: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(setting(
            "a URL holds no user and no password; they belong in `user` and `password_file`",
        ));
    }
    match (url.scheme(), &access.tls) {
        ("https", Tls::Off) => Err(setting("https:// is encrypted: leave `tls` out")),
        ("http", Tls::Verified { .. } | Tls::Unverified) => {
            Err(setting("http:// is not encrypted: write https://"))
        }
        ("http" | "https", _) => Ok(url),
        _ => Err(setting("a list on a web server has a URL of https:// or http://")),
    }
}

/// Host and port, for messages.
fn server(url: &Url) -> String {
    let mut server = url.host_str().unwrap_or_default().to_owned();
    if let Some(port) = url.port_or_known_default() {
        // Writing into a string does not fail.
        let _ = write!(server, ":{port}");
    }
    server
}

enum Unbuilt {
    Tls(RemoteError),
    Client(reqwest::Error),
}

fn client(access: &WebAccess, server: &str) -> Result<Client, Unbuilt> {
    let _ = provider();
    // Without TLS there is nothing to verify, and no redirect leads to where there would be.
    let tls = if access.tls == Tls::Off { &Tls::Unverified } else { &access.tls };
    let mut builder = Client::builder()
        .user_agent(concat!("optgate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(access.timeout)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy();
    if let Some(config) = client_config(tls, server).map_err(Unbuilt::Tls)? {
        builder = builder.tls_backend_preconfigured(config);
    }
    builder.build().map_err(Unbuilt::Client)
}

/// Asks, and follows redirects. What is said of the list and of who asks is for the host that the
/// configuration names: another one, or another port, is told nothing of it.
async fn ask(
    client: &Client,
    mut url: Url,
    mut headers: HeaderMap,
    faults: Faults<'_>,
) -> Result<Response, RemoteError> {
    for _ in 0..=REDIRECTS {
        let asked = client.get(url.clone()).headers(headers.clone());
        let response = faults.in_time(asked.send()).await?;
        let Some(next) = redirected(&url, &response) else { return Ok(response) };
        let next = next.map_err(|what| faults.answer(what))?;
        if server(&next) != server(&url) {
            headers.clear();
        }
        url = next;
    }
    Err(faults.answer(format!("more than {REDIRECTS} redirects")))
}

/// Where a redirect leads, or why it is not followed.
fn redirected(from: &Url, response: &Response) -> Option<Result<Url, String>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    let next = location.to_str().ok().and_then(|location| from.join(location).ok());
    // Where it leads is not repeated: it may hold a key.
    let Some(next) = next else { return Some(Err("a redirect that is not legible".to_owned())) };
    if next.scheme() != from.scheme() {
        return Some(Err(format!("a redirect to {}://, which is not followed", next.scheme())));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Some(Err("a redirect with a password, which is not followed".to_owned()));
    }
    Some(Ok(next))
}

fn headers(access: &WebAccess, known: &Validators) -> Result<HeaderMap, RemoteError> {
    let mut headers = HeaderMap::new();
    let mut condition = |name: HeaderName, value: &Option<String>| {
        let value = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok());
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    condition(IF_NONE_MATCH, &known.etag);
    condition(IF_MODIFIED_SINCE, &known.modified);
    if let Some(login) = authorization(access)? {
        let mut value = HeaderValue::from_str(login.expose()).map_err(|_| {
            RemoteError::Password { what: "it holds characters that no header may".to_owned() }
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn authorization(access: &WebAccess) -> Result<Option<Secret<String>>, RemoteError> {
    use base64::Engine as _;

    let password = access.password.as_ref().map(Password::read).transpose()?;
    let plain = match (&access.user, password) {
        (None, None) => return Ok(None),
        (None, Some(token)) => return Ok(Some(Secret::new(format!("Bearer {}", token.expose())))),
        (Some(user), Some(password)) => format!("{user}:{}", password.expose()),
        (Some(user), None) => format!("{user}:"),
    };
    let encoded = base64::engine::general_purpose::STANDARD.encode(plain);
    Ok(Some(Secret::new(format!("Basic {encoded}"))))
}

async fn body(
    access: &WebAccess,
    faults: Faults<'_>,
    mut response: Response,
    folder: &Path,
) -> Result<Page, RemoteError> {
    let headers = response.headers();
    let text = |name: HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let validators = Validators { etag: text(ETAG), modified: text(LAST_MODIFIED) };
    let chunked = text(TRANSFER_ENCODING).is_some_and(|coding| coding.contains("chunked"));
    let named = text(CONTENT_DISPOSITION).as_deref().and_then(attached).map(str::to_owned);
    let name = named.unwrap_or_else(|| last_of_path(response.url()));
    let length = response.content_length();
    if length.is_none() && !chunked {
        return Err(faults.answer(
            "a body without saying how long it is, so that a cut list could not be told from a \
             whole one"
                .to_owned(),
        ));
    }
    let too_long = || faults.answer(format!("more than {} bytes", access.limit));
    if length.is_some_and(|length| length > access.limit) {
        return Err(too_long());
    }
    let spool = |error: io::Error| RemoteError::Spool { what: error.to_string() };
    let mut file = BufWriter::new(tempfile::tempfile_in(folder).map_err(spool)?);
    let mut bytes = 0;
    while let Some(chunk) = faults.in_time(response.chunk()).await? {
        bytes += chunk.len() as u64;
        if bytes > access.limit {
            return Err(too_long());
        }
        file.write_all(&chunk).map_err(spool)?;
    }
    if length.is_some_and(|length| length != bytes) {
        return Err(faults.cut(format!("{bytes} bytes came, and it said there were others")));
    }
    let mut file = file.into_inner().map_err(|error| spool(error.into_error()))?;
    file.rewind().map_err(spool)?;
    Ok(Page { file, bytes, name, validators })
}

/// The file name of a Content-Disposition (RFC 6266), without folders.
fn attached(header: &str) -> Option<&str> {
    let mut parameters = header.split(';').map(str::trim);
    let name = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("filename").then(|| value.trim().trim_matches('"'))
    })?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    (!name.is_empty()).then_some(name)
}

fn last_of_path(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back());
    last.unwrap_or_default().to_owned()
}

/// What can go wrong on the way.
#[derive(Clone, Copy)]
struct Faults<'a> {
    server: &'a str,
    limit: Duration,
}

impl Faults<'_> {
    async fn in_time<T>(
        self,
        step: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, RemoteError> {
        match tokio::time::timeout(self.limit, step).await {
            Ok(done) => done.map_err(|error| self.of(&error)),
            Err(_) => Err(self.timeout()),
        }
    }

    fn timeout(self) -> RemoteError {
        RemoteError::Timeout { server: self.server.to_owned(), limit: self.limit }
    }

    fn answer(self, what: String) -> RemoteError {
        RemoteError::Answer { server: self.server.to_owned(), what }
    }

    fn cut(self, what: String) -> RemoteError {
        RemoteError::Cut { server: self.server.to_owned(), what }
    }

    /// By the innermost cause: the outer ones repeat the URL, which may hold a key.
    fn of(self, error: &reqwest::Error) -> RemoteError {
        let mut cause: &dyn std::error::Error = error;
        let mut tls = false;
        let mut what = String::from("no answer");
        while let Some(inner) = cause.source() {
            tls |= is_of_tls(inner);
            what = inner.to_string();
            cause = inner;
        }
        let server = self.server.to_owned();
        match error {
            _ if error.is_timeout() => self.timeout(),
            _ if tls => RemoteError::Tls { server, what },
            _ if error.is_connect() => RemoteError::Unreachable { server, what },
            // Behind it comes the advice of a library.
            _ => self.cut(what.split(": http").next().unwrap_or_default().to_owned()),
        }
    }
}

/// Whether it is an error of TLS, in however many wrappers of errors of input and output, which
/// do not name it as their source.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_of_tls(held))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str, tls: Tls) -> WebAccess {
        let timeout = Duration::from_secs(1);
        WebAccess { url: url.into(), user: None, password: None, tls, timeout, limit: 9 }
    }

    #[test]
    fn urls() {
        let verified = || Tls::Verified { ca: None };
        assert_eq!(
            server(&location(&access("https://x.example/a", verified())).unwrap()),
            "x.example:443"
        );
        assert_eq!(server(&location(&access("http://[::1]:81", Tls::Off)).unwrap()), "[::1]:81");
        for (url, tls, why) in [
            ("https://x.example", Tls::Off, "is encrypted"),
            ("http://x.example", verified(), "write https://"),
            ("ftp://x.example", Tls::Off, "https:// or http://"),
            ("hunter2", Tls::Off, "not legible"),
            ("http://bob:hunter2@x.example", Tls::Off, "`password_file`"),
        ] {
            let said = location(&access(url, tls)).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains("hunter2"), "{url}: {said}");
        }
    }

    #[test]
    fn tls_is_found_in_its_wrappers() {
        let wrapped = io::Error::other(io::Error::other(rustls::Error::DecryptError));
        assert!(is_of_tls(&wrapped));
        assert!(!is_of_tls(&io::Error::other(io::Error::from(io::ErrorKind::UnexpectedEof))));
    }

    #[test]
    fn names_of_files() {
        for (header, name) in [
            ("attachment; filename=\"cleaned_4711.csv\"", Some("cleaned_4711.csv")),
            ("attachment;FileName=a.csv; x=y", Some("a.csv")),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename=\"C:\\a\\b.zip\"", Some("b.zip")),
            ("attachment; filename=\"\"", None),
            ("inline", None),
        ] {
            assert_eq!(attached(header), name, "{header}");
        }
        let name = |url: &str| last_of_path(&Url::parse(url).unwrap());
        assert_eq!(name("https://x.example/lists/optout.csv?key=1"), "optout.csv");
        assert_eq!(name("https://x.example"), "");
    }
}
