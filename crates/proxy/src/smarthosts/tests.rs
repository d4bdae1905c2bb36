use std::collections::BTreeMap;

use relay::RouteId;
use smtp_session::{ClientSettings, Timeouts, UseTls};

use super::*;
use crate::pool::PoolSettings;

const LIMIT: Duration = Duration::from_secs(30);

fn settings(name: &str, priority: u64, weight: u64) -> SmarthostSettings {
    let timeouts = Timeouts { command: LIMIT, data_asked: LIMIT, dot: LIMIT };
    let client =
        ClientSettings { hostname: "h.example".to_owned(), timeouts, starttls: UseTls::Never };
    SmarthostSettings {
        name: name.to_owned(),
        address: "127.0.0.1:9".to_owned(),
        priority,
        weight,
        connect_timeout: LIMIT,
        data_timeout: LIMIT,
        connections: 2,
        pool: PoolSettings { idle: 2, idle_timeout: LIMIT, age: LIMIT, messages: 2 },
        client: Arc::new(client),
        tls: None,
        login: None,
        introduce: crate::Introduce::Off,
    }
}

fn three() -> Smarthosts {
    let all = vec![settings("a", 1, 3), settings("b", 1, 1), settings("c", 2, 1)];
    let ids = |ids: &[u16]| ids.iter().copied().map(SmarthostId).collect::<Vec<_>>();
    Smarthosts::new(all, vec![ids(&[0, 1, 2]), ids(&[1, 2])], 7)
}

fn names(smarthosts: &Smarthosts, wanted: &Wanted, now: Moment) -> String {
    let order = smarthosts.candidates(wanted, now);
    order.iter().map(|host| host.settings().name.as_str()).collect()
}

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(seconds), 0)
}

#[test]
fn mail_is_shared_out_by_weight_among_those_of_the_lowest_priority() {
    let smarthosts = three();
    let mut orders: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..4_000 {
        *orders.entry(names(&smarthosts, &Wanted::default(), at(0))).or_default() += 1;
    }
    let (often, seldom) = (orders["abc"], orders["bac"]);
    assert_eq!(often + seldom, 4_000, "c is the reserve: {orders:?}");
    assert!((2_850..3_150).contains(&often), "three to one: {orders:?}");
}

#[test]
fn a_route_and_those_to_avoid_leave_the_rest() {
    let smarthosts = three();
    let route = Wanted { route: RouteId(1), ..Wanted::default() };
    assert_eq!(names(&smarthosts, &route, at(0)), "bc");
    let avoid = Wanted { avoid: vec![SmarthostId(1)], ..route };
    assert_eq!(names(&smarthosts, &avoid, at(0)), "c");
    let nobody = Wanted { route: RouteId(9), ..Wanted::default() };
    assert_eq!(names(&smarthosts, &nobody, at(0)), "");
}

#[test]
fn one_that_keeps_failing_is_asked_last() {
    let smarthosts = three();
    let failing = smarthosts.get(SmarthostId(0)).unwrap();
    for _ in 0..3 {
        failing.failed(at(0), &"of a test");
    }
    assert_eq!(names(&smarthosts, &Wanted::default(), at(1)), "bca");
    let later = names(&smarthosts, &Wanted::default(), at(6));
    assert!(later.ends_with('c'), "half open, it is one of the two again: {later}");
}

/// A server that says `replies`, one behind each line it gets, the first at once.
async fn server(replies: Vec<&'static str>) -> std::net::SocketAddr {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        for reply in replies {
            stream.write_all(reply.as_bytes()).await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn the_first_look_ends_when_each_in_reach_was_tried_well_or_badly() {
    let mut up = settings("up", 1, 1);
    up.address = server(vec!["220 up\r\n", "250-up\r\n250 AUTH PLAIN\r\n"]).await.to_string();
    // Nobody listens behind a socket that is bound and does not accept.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut down = settings("down", 1, 1);
    down.address = bound.local_addr().unwrap().to_string();
    let nobody = settings("out of reach", 1, 1);
    let smarthosts = Smarthosts::new(vec![up, down, nobody], Vec::new(), 1);
    let reach = [SmarthostId(0), SmarthostId(1)];
    let (clock, counters) = (Clock::start(), Counters::default());
    let manner = Manner { pooled: false, bound: false, client: None, last: true };
    let mut look = std::pin::pin!(smarthosts.first_look(&reach, clock.now()));
    for host in [0, 1] {
        assert!(is_waiting(look.as_mut()).await, "{host} was not tried yet");
        let opened = smarthosts.all()[host].open(clock, &counters, manner).await;
        assert_eq!(opened.is_ok(), host == 0);
    }
    assert!(!is_waiting(look.as_mut()).await, "both were tried");
    let known = smarthosts.records()[0].load().unwrap();
    assert_eq!(known.auth, ["PLAIN"]);
    assert!(smarthosts.all()[2].is_untried());
}

/// Whether it still waits, when asked once.
async fn is_waiting(mut look: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(look.as_mut().poll(cx).is_pending())).await
}

#[tokio::test]
async fn nobody_waits_for_longer_than_the_first_one() {
    let smarthosts = three();
    for (second, waits) in [(100, true), (109, true), (110, false), (900, false)] {
        let look = std::pin::pin!(smarthosts.first_look(&[], at(second)));
        assert_eq!(is_waiting(look).await, waits, "{second}");
    }
}

#[tokio::test]
async fn one_probe_at_a_time() {
    let smarthosts = three();
    let smarthost = smarthosts.get(SmarthostId(0)).unwrap();
    assert!(is_probe_due(smarthost, None, at(0)));
    let mut probe = Probe { at: at(0), task: tokio::spawn(std::future::pending()) };
    assert!(!is_probe_due(smarthost, Some(&probe), at(900)), "it hangs");
    probe.task.abort();
    assert!((&mut probe.task).await.is_err());
    assert!(!is_probe_due(smarthost, Some(&probe), at(4)));
    assert!(is_probe_due(smarthost, Some(&probe), at(5)));
}
