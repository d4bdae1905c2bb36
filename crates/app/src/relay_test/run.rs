//! The way through the forms, in as many sessions as the server makes necessary.

use std::net::SocketAddr;
use std::time::Duration;

use smtp_wire::Reply;

use super::connection::Connection;
use super::forms::{self, Form, Names, literal};
use super::options::{RelayTestOptions, RelayTestTls};
use super::verdict::{Outcome, Probe, RelayTest, Verdict};
use crate::error::AppError;

/// A server may count connections; before it is given up it is left alone for a moment, so
/// often.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Tests a server.
///
/// # Errors
/// [`AppError::Unavailable`] when it is not there or does not speak SMTP; [`AppError::Input`] when
/// a name makes no sense.
pub fn run(options: &RelayTestOptions) -> Result<RelayTest, AppError> {
    for name in [&options.to, &options.from].into_iter().chain(&options.helo) {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'>') {
            return Err(AppError::Input(format!("`{}` is no domain", name.escape_debug())));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AppError::io("the runtime", error))?;
    runtime.block_on(test(options))
}

/// A session that was greeted: what is left to say about the forms.
struct Session {
    connection: Connection,
    /// Nothing was said in it yet.
    fresh: bool,
}

/// How a session began.
enum Opened {
    Ready(Box<Session>, Told),
    /// The greeting, or the reply to EHLO, was a refusal for good.
    Refused(Told),
}

/// What the server tells about itself.
struct Told {
    peer: SocketAddr,
    greeting: Reply,
    offers_starttls: bool,
}

struct Server<'a> {
    options: &'a RelayTestOptions,
    addresses: Vec<SocketAddr>,
    implicit: bool,
    /// Every further session begins with STARTTLS.
    starttls: bool,
    sessions: usize,
}

async fn test(options: &RelayTestOptions) -> Result<RelayTest, AppError> {
    let mut server = Server::find(options).await?;
    let opened = server.open().await.map_err(|error| {
        AppError::Unavailable(format!("{}:{}: {error}", options.host, server.port()))
    })?;
    let (session, told) = match opened {
        Opened::Ready(session, told) => (session, told),
        Opened::Refused(told) => {
            let words = format!("closed: it refuses the session: {}", told.greeting);
            return Ok(told.report(Vec::new(), server.sessions, (Verdict::Closed, 0, 0, words)));
        }
    };
    let name = told.greeting.text.split_whitespace().next().filter(|name| name.contains('.'));
    let names = Names {
        to: &options.to,
        from: &options.from,
        server: name.unwrap_or(&options.host),
        address: told.peer.ip(),
    };
    let optional = options.tls == RelayTestTls::Auto && !server.implicit && told.offers_starttls;
    let mut session = Some(*session);
    let mut probes = Vec::new();
    for (at, form) in forms::all(&names, optional).iter().enumerate() {
        let mut probe = Probe::new(at + 1, form);
        if form.tls && !server.starttls {
            server.starttls = true;
            leave(session.take()).await;
        }
        server.try_form(&mut session, form, &mut probe, optional).await;
        probes.push(probe);
    }
    leave(session).await;
    let verdict = Verdict::of(&probes);
    Ok(told.report(probes, server.sessions, verdict))
}

impl Server<'_> {
    async fn find(options: &RelayTestOptions) -> Result<Server<'_>, AppError> {
        let implicit = match options.tls {
            RelayTestTls::Implicit => true,
            RelayTestTls::Auto => options.port == Some(465),
            RelayTestTls::Off | RelayTestTls::StartTls => false,
        };
        let starttls = options.tls == RelayTestTls::StartTls;
        let port = options.port.unwrap_or(if implicit { 465 } else { 25 });
        let found = tokio::net::lookup_host((options.host.as_str(), port)).await;
        let addresses = found.map(Iterator::collect).map_err(|error| {
            AppError::Unavailable(format!("{}: {error}", options.host.escape_debug()))
        })?;
        Ok(Server { options, addresses, implicit, starttls, sessions: 0 })
    }

    fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Tries one form, in a new session where the one at hand ends before it was answered.
    async fn try_form(
        &mut self,
        session: &mut Option<Session>,
        form: &Form,
        probe: &mut Probe,
        may_encrypt: bool,
    ) {
        loop {
            let mut open = match session.take() {
                Some(open) => open,
                None => match self.open_again().await {
                    Ok(open) => open,
                    Err(why) => return probe.is_unknown(why),
                },
            };
            let fresh = std::mem::replace(&mut open.fresh, false);
            probe.tls = open.connection.encrypted;
            let asked = ask(&mut open.connection, form, probe, fresh).await;
            match asked {
                // A refusal until there is TLS (RFC 3207 s4) says nothing about relaying.
                Ok(()) if may_encrypt && !self.starttls && probe.wants_tls() => {
                    self.starttls = true;
                    leave(Some(open)).await;
                }
                Ok(()) => {
                    *session = Some(open);
                    return;
                }
                Err(End::Late) => {
                    return probe.is_unknown("no answer in time".to_owned());
                }
                Err(End::Closed(why)) if fresh => return probe.is_unknown(why),
                Err(End::Closed(_)) => {}
            }
        }
    }

    async fn open_again(&mut self) -> Result<Session, String> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let why = match self.open().await {
                Ok(Opened::Ready(session, _)) => return Ok(*session),
                Ok(Opened::Refused(told)) => {
                    return Err(format!("no further session: {}", told.greeting));
                }
                Err(error) => format!("no further session: {error}"),
            };
            let Some(pause) = pauses.next() else { return Err(why) };
            tokio::time::sleep(pause).await;
        }
    }

    async fn open(&mut self) -> std::io::Result<Opened> {
        self.sessions += 1;
        let (host, limit) = (&self.options.host, self.options.timeout);
        let mut connection = Connection::open(&self.addresses, host, limit).await?;
        if self.implicit {
            connection = connection.encrypt().await?;
        }
        let greeting = connection.reply().await?;
        let told = |greeting, offers_starttls, connection: &Connection| Told {
            peer: connection.peer,
            greeting,
            offers_starttls,
        };
        if greeting.is_permanent() {
            let _ = connection.command("QUIT").await;
            return Ok(Opened::Refused(told(greeting, false, &connection)));
        }
        positive(&greeting)?;
        let literal = literal(connection.own.ip());
        let hello = format!("EHLO {}", self.options.helo.as_ref().unwrap_or(&literal));
        let offer = connection.command(&hello).await?;
        if offer.is_permanent() {
            let _ = connection.command("QUIT").await;
            return Ok(Opened::Refused(told(offer, false, &connection)));
        }
        positive(&offer)?;
        let offers_starttls =
            offer.lines().any(|line| line.trim().eq_ignore_ascii_case("STARTTLS"));
        if self.starttls {
            positive(&connection.command("STARTTLS").await?)?;
            connection = connection.encrypt().await?;
            positive(&connection.command(&hello).await?)?;
        }
        let told = told(greeting, offers_starttls, &connection);
        Ok(Opened::Ready(Box::new(Session { connection, fresh: true }), told))
    }
}

/// A session that ended, or is of no use any more, before a form was answered.
enum End {
    Closed(String),
    Late,
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::TimedOut => Self::Late,
            std::io::ErrorKind::UnexpectedEof => Self::Closed("the server hung up".to_owned()),
            _ => Self::Closed(error.to_string()),
        }
    }
}

/// The server is about to close the connection (RFC 5321 s3.8).
fn open(reply: Reply) -> Result<Reply, End> {
    if reply.code == 421 { Err(End::Closed(reply.to_string())) } else { Ok(reply) }
}

/// One form in one session: RSET, MAIL, RCPT. Nothing is ever sent behind them.
async fn ask(
    connection: &mut Connection,
    form: &Form,
    probe: &mut Probe,
    fresh: bool,
) -> Result<(), End> {
    (probe.mail_reply, probe.rcpt_reply) = (None, None);
    if !fresh {
        open(connection.command("RSET").await?)?;
    }
    let reply = open(connection.command(&format!("MAIL FROM:<{}>", form.from)).await?)?;
    probe.mail_reply = Some(reply.to_string());
    if !reply.is_positive() {
        probe.judge(&reply);
        return Ok(());
    }
    if let Some(before) = form.before {
        open(connection.command(&format!("RCPT TO:<{before}>")).await?)?;
    }
    let reply = open(connection.command(&format!("RCPT TO:<{}>", form.to)).await?)?;
    probe.rcpt_reply = Some(reply.to_string());
    probe.judge(&reply);
    Ok(())
}

impl Probe {
    fn new(number: usize, form: &Form) -> Self {
        Self {
            number,
            mail: format!("<{}>", form.from),
            rcpt: match form.before {
                Some(before) => format!("<{before}>, <{}>", form.to),
                None => format!("<{}>", form.to),
            },
            tls: false,
            mail_reply: None,
            rcpt_reply: None,
            outcome: Outcome::Unknown,
            why: None,
        }
    }

    fn judge(&mut self, reply: &Reply) {
        self.outcome = if reply.is_positive() {
            Outcome::Accepted
        } else if reply.is_permanent() {
            Outcome::Refused
        } else {
            self.why = Some(format!("number {}: {reply}", self.number));
            Outcome::Unknown
        };
    }

    fn is_unknown(&mut self, why: String) {
        self.outcome = Outcome::Unknown;
        self.why = Some(format!("number {}: {why}", self.number));
    }

    /// RFC 3207 s4: 530 until STARTTLS was used.
    fn wants_tls(&self) -> bool {
        let last = self.rcpt_reply.as_ref().or(self.mail_reply.as_ref());
        last.is_some_and(|reply| reply.starts_with("530"))
    }
}

impl Told {
    fn report(
        self,
        probes: Vec<Probe>,
        sessions: usize,
        (verdict, accepted, unknown, words): (Verdict, usize, usize, String),
    ) -> RelayTest {
        RelayTest {
            address: self.peer.to_string(),
            greeting: self.greeting.to_string(),
            sessions,
            offers_starttls: self.offers_starttls,
            probes,
            verdict,
            accepted,
            unknown,
            words,
        }
    }
}

fn positive(reply: &Reply) -> std::io::Result<()> {
    if reply.is_positive() {
        return Ok(());
    }
    Err(std::io::Error::other(format!("the server said {reply}")))
}

async fn leave(session: Option<Session>) {
    if let Some(mut session) = session {
        // What is known stands, however the farewell goes.
        let _ = session.connection.command("QUIT").await;
    }
}
