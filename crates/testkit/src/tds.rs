//! A made-up SQL Server, for what no real one does on request: it ends the connection in the
//! middle of a row, falls silent, breaks off with an error, turns everybody away.
//!
//! It speaks as much of MS-TDS as a client needs that logs in without TLS and calls
//! `sp_executesql`, with a reader and a writer of its own. What it answers: of a query without
//! parameters or with `AS q` in it, the whole table (from a mark on, where there is one); of any
//! other, for each parameter one table with the rows whose first cell it is.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Packets of the client.
const PRELOGIN: u8 = 0x12;
const LOGIN: u8 = 0x10;
const CALL: u8 = 0x03;
/// Every packet of a server.
const ANSWER: u8 = 0x04;
/// Longest packet, before anything else was agreed on.
const PACKET: usize = 4096;
/// SQL_Latin1_General_CP1_CI_AS.
const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];

/// A column, by its name and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TdsType {
    /// UTF-16.
    NVarChar,
    /// Windows-1252; here only what is in Latin-1.
    VarChar,
    /// 32 bits.
    Int,
    /// Eight bytes, written as `0x` and sixteen digits.
    RowVersion,
}

/// The one table of the server; none: NULL.
#[derive(Debug, Clone, Default)]
pub struct TdsTable {
    /// Its columns.
    pub columns: Vec<(&'static str, TdsType)>,
    /// Its rows, as many cells as there are columns.
    pub rows: Vec<Vec<Option<String>>>,
}

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TdsManner {
    /// As it should.
    #[default]
    Well,
    /// Its answer to the first packet demands encryption, and then it hangs up.
    DemandsTls,
    /// It never answers the first packet.
    Mute,
    /// Error 18456.
    RefusesLogin,
    /// The connection ends in the middle of the row behind so many.
    CutInRow(usize),
    /// The connection ends right behind so many rows.
    CutBehindRow(usize),
    /// The connection ends behind so many bytes of the answer, headers of packets included.
    CutAtByte(usize),
    /// Nothing comes any more behind so many rows.
    Silent(usize),
    /// Behind so many rows comes an error, which quotes the value of a cell.
    Fails(usize),
    /// Behind so many rows comes an error that ends the connection.
    FailsForGood(usize),
}

/// What was asked: the statement, what its parameters were declared as, and their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TdsAsked {
    /// The text.
    pub statement: String,
    /// As in `@P1 varchar(8000),@P2 varchar(8000)`.
    pub declared: String,
    /// One for each parameter.
    pub values: Vec<String>,
}

/// A server on a port of its own. It ends with the process.
#[derive(Debug)]
pub struct TdsPeer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<TdsTable>,
    manner: Mutex<TdsManner>,
    asked: Mutex<Vec<TdsAsked>>,
}

impl TdsPeer {
    /// Listens.
    ///
    /// # Errors
    /// When there is no port.
    pub fn new(table: TdsTable) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let shared = Arc::new(Shared { table: Mutex::new(table), ..Shared::default() });
        let peer = Self { address: listener.local_addr()?, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that goes away is the end of its connection.
                std::thread::spawn(move || Served { stream, shared }.run());
            }
        });
        Ok(peer)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next question on it behaves so.
    pub fn behave(&self, manner: TdsManner) {
        *lock(&self.shared.manner) = manner;
    }

    /// From the next question on it has this table.
    pub fn hold(&self, table: TdsTable) {
        *lock(&self.shared.table) = table;
    }

    /// What was asked until now.
    #[must_use]
    pub fn asked(&self) -> Vec<TdsAsked> {
        lock(&self.shared.asked).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection.
struct Served {
    stream: TcpStream,
    shared: Arc<Shared>,
}

impl Served {
    fn run(mut self) -> io::Result<()> {
        while let Some((kind, message)) = self.receive()? {
            let manner = *lock(&self.shared.manner);
            match (kind, manner) {
                (PRELOGIN, TdsManner::Mute) => return self.wait(),
                (PRELOGIN, TdsManner::DemandsTls) => return self.send(&prelogin(3)),
                (PRELOGIN, _) => self.send(&prelogin(2))?,
                (LOGIN, TdsManner::RefusesLogin) => {
                    let mut answer = error(18456, 14, "Login failed for user 'reader'.");
                    answer.extend(done(0xfd, 0x02, 0));
                    return self.send(&answer);
                }
                (LOGIN, _) => self.send(&welcome())?,
                (CALL, manner) => {
                    let Some(asked) = Bytes(&message).call() else { return Ok(()) };
                    let answer = answer(&lock(&self.shared.table), &asked);
                    lock(&self.shared.asked).push(asked);
                    if !self.give(&answer, manner)? {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends an answer, or what the manner leaves of it; whether the connection goes on.
    fn give(&mut self, answer: &[Token], manner: TdsManner) -> io::Result<bool> {
        let limit = match manner {
            TdsManner::CutInRow(rows)
            | TdsManner::CutBehindRow(rows)
            | TdsManner::Silent(rows)
            | TdsManner::Fails(rows)
            | TdsManner::FailsForGood(rows) => rows,
            _ => usize::MAX,
        };
        let (mut bytes, mut rows) = (Vec::new(), 0);
        for token in answer {
            if token.row && rows == limit {
                match manner {
                    TdsManner::CutInRow(_) => {
                        bytes.extend(token.bytes.iter().take(token.bytes.len() / 2));
                    }
                    TdsManner::Fails(_) | TdsManner::FailsForGood(_) => {
                        let good = manner == TdsManner::FailsForGood(rows);
                        let class = if good { 21 } else { 16 };
                        let what = "Conversion failed when converting the varchar value \
                                    'bob@shop.example' to data type int.";
                        bytes.extend(error(245, class, what));
                        bytes.extend(done(0xfe, 0x02, 0));
                        self.send(&bytes)?;
                        return Ok(!good);
                    }
                    _ => {}
                }
                // Without the mark of a last packet: there is more to come.
                self.stream.write_all(&packets(&bytes, false))?;
                if matches!(manner, TdsManner::Silent(_)) {
                    self.wait()?;
                }
                return Ok(false);
            }
            rows += usize::from(token.row);
            bytes.extend(&token.bytes);
        }
        if let TdsManner::CutAtByte(count) = manner {
            let packets = packets(&bytes, true);
            self.stream.write_all(packets.get(..count).unwrap_or(&packets))?;
            return Ok(packets.len() < count);
        }
        self.send(&bytes)?;
        Ok(true)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(&packets(bytes, true))
    }

    /// A whole message of the client; none: it has gone.
    fn receive(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let mut message = Vec::new();
        loop {
            let mut header = [0; 8];
            if self.stream.read(&mut header[..1])? == 0 {
                return Ok(None);
            }
            self.stream.read_exact(&mut header[1..])?;
            let [kind, status, high, low, ..] = header;
            let length = u16::from_be_bytes([high, low]).saturating_sub(8);
            let start = message.len();
            message.resize(start + usize::from(length), 0);
            self.stream.read_exact(message.get_mut(start..).unwrap_or_default())?;
            if status & 1 == 1 {
                return Ok(Some((kind, message)));
            }
        }
    }

    /// Says nothing more until the client goes.
    fn wait(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink()).map(|_| ())
    }
}

/// A message in packets, the last one marked as such or not.
fn packets(bytes: &[u8], last: bool) -> Vec<u8> {
    let count = bytes.chunks(PACKET - 8).count();
    let mut packets = Vec::new();
    for (number, chunk) in (1..).zip(bytes.chunks(PACKET - 8)) {
        let length = u16::try_from(chunk.len() + 8).unwrap_or(u16::MAX);
        packets.extend([ANSWER, u8::from(last && number == count)]);
        packets.extend(length.to_be_bytes());
        packets.extend([0, 0, 1, 0]);
        packets.extend(chunk);
    }
    packets
}

/// A piece of an answer.
struct Token {
    row: bool,
    bytes: Vec<u8>,
}

fn answer(table: &TdsTable, asked: &TdsAsked) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut give = |rows: &mut dyn Iterator<Item = &Vec<Option<String>>>| {
        tokens.push(Token { row: false, bytes: header(&table.columns) });
        let mut count = 0;
        for row in rows {
            count += 1;
            tokens.push(Token { row: true, bytes: cells(&table.columns, row) });
        }
        tokens.push(Token { row: false, bytes: done(0xff, 0x11, count) });
    };
    let mark = asked.values.first();
    if asked.statement.contains("AS q") || mark.is_none() {
        let column = asked.statement.split("ORDER BY q.[").nth(1).unwrap_or_default();
        let at = table.columns.iter().position(|(name, _)| column == format!("{name}]"));
        let reaches = |row: &&Vec<Option<String>>| {
            let cell = at.and_then(|at| row.get(at)).and_then(Option::as_ref);
            mark.is_none_or(|mark| cell.is_some_and(|cell| cell >= mark))
        };
        give(&mut table.rows.iter().filter(reaches));
    } else {
        for value in &asked.values {
            let is = |cell: &Option<String>| {
                cell.as_ref().is_some_and(|cell| cell.eq_ignore_ascii_case(value))
            };
            give(&mut table.rows.iter().filter(|row| row.first().is_some_and(is)));
        }
    }
    let mut end = vec![0x79, 0, 0, 0, 0];
    end.extend(done(0xfe, 0, 0));
    tokens.push(Token { row: false, bytes: end });
    tokens
}

/// COLMETADATA.
fn header(columns: &[(&str, TdsType)]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    bytes.extend(u16::try_from(columns.len()).unwrap_or(0).to_le_bytes());
    for (name, kind) in columns {
        bytes.extend([0, 0, 0, 0, 0x09, 0]);
        match kind {
            TdsType::NVarChar => bytes.extend([0xe7, 0x40, 0x1f]),
            TdsType::VarChar => bytes.extend([0xa7, 0x40, 0x1f]),
            TdsType::Int => bytes.extend([0x26, 4]),
            TdsType::RowVersion => bytes.extend([0xad, 8, 0]),
        }
        if matches!(kind, TdsType::NVarChar | TdsType::VarChar) {
            bytes.extend(COLLATION);
        }
        bytes.extend(short(name));
    }
    bytes
}

/// ROW.
fn cells(columns: &[(&str, TdsType)], row: &[Option<String>]) -> Vec<u8> {
    let mut bytes = vec![0xd1];
    for ((_, kind), cell) in columns.iter().zip(row) {
        let Some(text) = cell else {
            bytes.extend(if *kind == TdsType::Int { &[0][..] } else { &[0xff, 0xff] });
            continue;
        };
        let value: Vec<u8> = match kind {
            TdsType::NVarChar => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            TdsType::VarChar => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
            TdsType::Int => text.parse::<i32>().unwrap_or_default().to_le_bytes().to_vec(),
            TdsType::RowVersion => {
                let digits = text.trim_start_matches("0x");
                u64::from_str_radix(digits, 16).unwrap_or_default().to_be_bytes().to_vec()
            }
        };
        let length = u16::try_from(value.len()).unwrap_or(0).to_le_bytes();
        // Of a number one byte tells the length.
        let told = if *kind == TdsType::Int { 1 } else { 2 };
        bytes.extend(length.iter().take(told));
        bytes.extend(value);
    }
    bytes
}

/// What the first packet is answered with.
fn prelogin(encryption: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff];
    bytes.extend([16, 0, 0, 0, 0, 0, encryption]);
    bytes
}

/// LOGINACK.
fn welcome() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    body.extend(short("made up"));
    body.extend([16, 0, 0, 0]);
    let mut bytes = vec![0xad];
    bytes.extend(u16::try_from(body.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(body);
    bytes.extend(done(0xfd, 0, 0));
    bytes
}

/// ERROR.
fn error(number: u32, class: u8, what: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, class]);
    let units: Vec<u16> = what.encode_utf16().collect();
    body.extend(u16::try_from(units.len()).unwrap_or(0).to_le_bytes());
    body.extend(units.into_iter().flat_map(u16::to_le_bytes));
    body.extend(short("made up"));
    body.extend(short(""));
    body.extend(1u32.to_le_bytes());
    let mut bytes = vec![0xaa];
    bytes.extend(u16::try_from(body.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// DONE, DONEPROC or DONEINPROC.
fn done(kind: u8, status: u16, rows: u64) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(status.to_le_bytes());
    bytes.extend(0xc1u16.to_le_bytes());
    bytes.extend(rows.to_le_bytes());
    bytes
}

/// A text behind the number of its characters, in a byte.
fn short(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = vec![u8::try_from(units.len()).unwrap_or(0)];
    bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
    bytes
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// A call of `sp_executesql`, by its name or its number.
    fn call(&mut self) -> Option<TdsAsked> {
        let headers = self.number(4)?;
        self.take(headers.checked_sub(4)?)?;
        match self.number(2)? {
            0xffff => self.take(2)?,
            length => self.take(length * 2)?,
        };
        self.take(2)?;
        let mut texts = Vec::new();
        while !self.0.is_empty() {
            let name = self.number(1)?;
            self.take(name * 2 + 1)?;
            texts.push(self.text()?);
        }
        let mut texts = texts.into_iter();
        let statement = texts.next()?;
        Some(TdsAsked {
            statement,
            declared: texts.next().unwrap_or_default(),
            values: texts.collect(),
        })
    }

    /// An NVARCHAR with its type: in one piece, or of the endless kind in several.
    fn text(&mut self) -> Option<String> {
        let (kind, longest) = (self.number(1)?, self.number(2)?);
        self.take(5)?;
        let mut bytes = Vec::new();
        match (kind, longest) {
            (0xe7, 0xffff) => {
                self.take(8)?;
                while let length @ 1.. = self.number(4)? {
                    bytes.extend(self.take(length)?);
                }
            }
            (0xe7, _) => {
                let length = self.number(2)?;
                bytes.extend(self.take(length)?);
            }
            _ => return None,
        }
        let units: Vec<u16> =
            bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        String::from_utf16(&units).ok()
    }

    fn number(&mut self, size: usize) -> Option<usize> {
        let bytes = self.take(size)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}
