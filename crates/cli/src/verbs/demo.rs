//! `demo`: see it work.

use std::sync::Arc;

use app::config::{Level, LogFormat, LogSettings};
use app::demo::{DemoEvent, DemoOptions, StepOutcome};

use super::sink;
use crate::exit::Exit;
use crate::out::Out;
use crate::words::Demo;

pub(crate) fn run(words: Demo, out: &Out) -> anyhow::Result<Exit> {
    let level = match out.verbose() {
        0 => Level::Warn,
        1 => Level::Info,
        _ => Level::Debug,
    };
    app::logs::start(&LogSettings { level, format: LogFormat::Text, personal: false });
    let options = DemoOptions { folder: words.dir, listen: words.listen, once: words.once };
    let (shown, once) = (*out, options.once);
    let tell: app::demo::Tell = Arc::new(move |event| {
        // A reader that has gone is no reason to stop half-way.
        let _ = show(shown, once, &event);
    });
    let well = app::demo::run(&options, &tell)?;
    if !well {
        out.tell("optgate: not everything went as it should");
    }
    Ok(if well { Exit::Ok } else { Exit::Software })
}

fn show(out: Out, once: bool, event: &DemoEvent<'_>) -> anyhow::Result<()> {
    match event {
        DemoEvent::Ready { gate, sink, config, ledger, seeded } => {
            if out.is_json() {
                let value = serde_json::json!({
                    "gate": gate, "sink": sink, "config": config, "ledger": ledger, "seeded": seeded,
                });
                return out.line(&value, |_| String::new());
            }
            TRY.get_or_init(|| (gate.to_string(), config.display().to_string()));
            out.print(&format!(
                "gate     smtp://{gate}  ->  built-in sink {sink}, which keeps mail and sends nothing on\n\
                 ledger   {} (SQLite), {seeded} opt-outs from optouts.csv and shop.xml beside it\n\n",
                ledger.display()
            ))
        }
        DemoEvent::Captured(message) => {
            if out.is_json() {
                return out.line(message, |_| String::new());
            }
            out.print(&format!("     sink: {}\n", sink::text(message)))
        }
        DemoEvent::Step(step) => out.line(step, |step| step_text(step)),
        DemoEvent::Over => {
            let Some((gate, config)) = TRY.get() else { return Ok(()) };
            let stay = if once { "" } else { "\nUp until Ctrl-C.\n" };
            out.print(&format!(
                "\ntry it yourself{}:\n  \
                 curl smtp://{gate} --mail-from you@corp.example --mail-rcpt bob@example.com -T README.md\n  \
                 curl smtp://{gate} --mail-from you@corp.example --mail-rcpt grace@example.com -T README.md\n  \
                 optgate why bob@example.com --config {config}\n  \
                 optgate optout add grace@example.com --config {config}\n  \
                 optgate status --config {config}\n\
                 (optgate is this program: target/release/optgate, or cargo run --release --)\n{stay}",
                if once { " (without --once)" } else { ", in another terminal" },
            ))
        }
    }
}

/// Gate and configuration, for the lines at the end.
static TRY: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();

fn step_text(step: &StepOutcome) -> String {
    let mut text = String::new();
    if let Some(added) = step.added {
        text.push_str(&format!("     optgate optout add {added}\n"));
    }
    for (n, recipient) in step.delivery.recipients.iter().enumerate() {
        let number = if n == 0 { format!("{:>3}.", step.number) } else { "    ".to_owned() };
        let reply = match (&step.delivery.message, recipient.code) {
            (Some(message), 250) => message,
            _ => &recipient.reply,
        };
        text.push_str(&format!("{number} mail to {:<23} {reply}\n", recipient.to));
    }
    let mark = if step.as_expected { "" } else { "  NOT AS EXPECTED" };
    text.push_str(&format!("     {}{mark}\n", step.about));
    text
}
