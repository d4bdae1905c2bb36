//! `sink`: the capture smarthost alone.

use app::capture::{CaptureSettings, Captured};

use crate::exit::Exit;
use crate::out::Out;
use crate::words::Sink;

pub(crate) fn run(words: Sink, out: &Out) -> anyhow::Result<Exit> {
    let shown = *out;
    let print = words.print;
    let settings = CaptureSettings {
        listen: words.listen,
        hostname: words.hostname,
        folder: words.dir,
        on_message: Box::new(move |message| show(shown, print, message)),
    };
    let note = shown;
    app::capture::run(settings, |address| {
        note.note(&format!("listening on {address}; nothing is sent on; Ctrl-C to stop"));
    })?;
    Ok(Exit::Ok)
}

fn show(out: Out, print: bool, message: &Captured) {
    // A reader that has gone is no reason to lose mail.
    let _ = out.line(message, text);
    if print && !out.is_json() {
        let _ = out.print_bytes(&message.content);
        let _ = out.print("\n");
    }
}

/// One line for a message.
pub(crate) fn text(message: &Captured) -> String {
    let to: Vec<_> = message.recipients.iter().take(3).map(|r| r.to.as_str()).collect();
    let more = message.recipients.len().saturating_sub(to.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "#{} from {} to {}{more}, {} bytes, {:?}",
        message.number,
        message.from,
        to.join(" "),
        message.bytes,
        message.subject.as_deref().unwrap_or("")
    )
}
