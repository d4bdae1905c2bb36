//! The smarthosts of a gate, from their settings; and how they are, for `status`.

use std::sync::Arc;

use proxy::{
    ClientTls, Clock, Counters, Introduce, Milter, PoolSettings, Smarthost, SmarthostState,
    Smarthosts,
};
use serde_json::{Value, json};
use smtp_session::{ClientSettings, Timeouts, UseTls};

use super::tls::TlsParts;
use crate::chance;
use crate::config::{Contact, Identity, Settings, SmarthostSettings};
use crate::logins;

/// All of them, with the routes of the streams.
pub(crate) fn of(settings: &Settings, tls: &TlsParts) -> Smarthosts {
    let all = settings
        .smarthosts
        .iter()
        .enumerate()
        .map(|(n, host)| one(settings, host, tls.smarthost(n)))
        .collect();
    // Without chance the mail is shared out all the same, only in a known order.
    let seed = chance::bytes().map(u64::from_ne_bytes).unwrap_or_default();
    Smarthosts::new(all, settings.routes.candidates.clone(), seed)
}

fn one(
    settings: &Settings,
    s: &SmarthostSettings,
    tls: Option<Arc<ClientTls>>,
) -> proxy::SmarthostSettings {
    proxy::SmarthostSettings {
        name: s.name.clone(),
        address: s.address.to_string(),
        priority: s.priority,
        weight: s.weight,
        connect_timeout: s.connect_timeout,
        data_timeout: s.data_timeout,
        connections: s.connections,
        pool: PoolSettings {
            idle: s.idle,
            idle_timeout: s.idle_timeout,
            age: s.connection_age,
            messages: s.messages_per_connection,
        },
        client: Arc::new(ClientSettings {
            hostname: settings.hostname.clone(),
            timeouts: Timeouts {
                command: s.command_timeout,
                data_asked: s.command_timeout,
                dot: s.reply_timeout,
            },
            starttls: UseTls::Never,
        }),
        tls,
        login: s.login.as_ref().map(|login| logins::of(&s.name, login)),
        introduce: match s.identity {
            Identity::Off => Introduce::Off,
            Identity::Xforward => Introduce::Xforward,
            Identity::Xclient => Introduce::Xclient,
        },
    }
}

/// When they are contacted: the configuration sees to it that they agree.
pub(crate) fn contact(settings: &Settings) -> relay::Contact {
    match settings.smarthosts.first().map(|host| host.contact) {
        Some(Contact::Sender) => relay::Contact::Sender,
        Some(Contact::Recipient) | None => relay::Contact::Recipient,
    }
}

/// What `status` shows of the running gate.
pub(crate) fn figures(
    smarthosts: &Arc<Smarthosts>,
    milters: &[Arc<Milter>],
    counters: &Arc<Counters>,
    clock: Clock,
) -> Box<dyn Fn() -> Value + Send + Sync> {
    let (smarthosts, counters) = (smarthosts.clone(), counters.clone());
    let milters = milters.to_vec();
    Box::new(move || {
        let all = smarthosts.all();
        json!({
            "smarthost": all.iter().map(|host| word(host.state())).min_by_key(|word| rank(word)),
            "smarthosts": all.iter().map(|host| figure(host, clock)).collect::<Vec<_>>(),
            "milters": super::filters::figures(&milters, clock),
            "counters": counters.view(),
        })
    })
}

fn figure(host: &Smarthost, clock: Clock) -> Value {
    let offers = host.record().load().map(|offered| {
        let reply = offered.to_reply("").text;
        reply.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    let (open, idle) = host.connections();
    json!({
        "name": host.settings().name,
        "state": word(host.state()),
        "left_alone_seconds": host.pause(clock).map(|pause| pause.as_secs()),
        "connections": open,
        "idle": idle,
        "offers": offers,
    })
}

fn word(state: SmarthostState) -> &'static str {
    match state {
        SmarthostState::Untried => "untried",
        SmarthostState::Up => "up",
        SmarthostState::Down => "down",
        SmarthostState::NoLogin => "cannot log in",
    }
}

/// The best of them says whether mail gets through.
fn rank(word: &str) -> u8 {
    match word {
        "up" => 0,
        "untried" => 1,
        _ => 2,
    }
}
