use super::*;
use crate::clock;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn failed(times: u32, now: Instant, client: IpAddr, user: &str) -> Throttle {
    let mut throttle = Throttle::default();
    (0..times).for_each(|_| throttle.failed(now, client, Some(user)));
    throttle
}

#[test]
fn the_fifth_failure_closes_the_door_for_a_time_that_grows() {
    let now = clock::instant();
    assert!(!failed(4, now, HERE, "erp").is_closed(now, HERE, "erp"));
    for (failures, pause) in [(5, 15), (6, 30), (7, 60), (11, 600), (60, 600)] {
        let mut throttle = failed(failures, now, HERE, "erp");
        assert!(throttle.is_closed(now + seconds(pause - 1), HERE, "erp"), "{failures}");
        assert!(!throttle.is_closed(now + seconds(pause), HERE, "erp"), "{failures}");
    }
}

#[test]
fn an_address_is_stopped_for_every_user_and_a_user_for_every_address() {
    let now = clock::instant();
    let mut throttle = failed(5, now, HERE, "erp");
    assert!(throttle.is_closed(now, HERE, "shop"));
    assert!(throttle.is_closed(now, THERE, "erp"));
    assert!(!throttle.is_closed(now, THERE, "shop"));
    let mut many = Throttle::default();
    for n in 0..5 {
        many.failed(now, HERE, Some(&format!("user{n}")));
    }
    assert!(many.is_closed(now, HERE, "another"), "many names from one address");
}

#[test]
fn failures_are_forgotten() {
    let now = clock::instant();
    let mut throttle = failed(4, now, HERE, "erp");
    throttle.failed(now + seconds(600), HERE, Some("erp"));
    assert!(!throttle.is_closed(now + seconds(600), HERE, "erp"));
    let mut throttle = failed(4, now, HERE, "erp");
    throttle.failed(now + seconds(599), HERE, Some("erp"));
    assert!(throttle.is_closed(now + seconds(599), HERE, "erp"));
    // Whoever comes again after the pause goes on where it was.
    throttle.failed(now + seconds(700), HERE, Some("erp"));
    assert!(throttle.is_closed(now + seconds(729), HERE, "erp"));
}

#[test]
fn a_success_forgives_the_address() {
    let now = clock::instant();
    let mut throttle = failed(4, now, HERE, "erp");
    throttle.succeeded(HERE, Some("erp"));
    throttle.failed(now, HERE, Some("erp"));
    assert!(!throttle.is_closed(now, HERE, "shop"));
}

#[test]
fn nobody_is_locked_out_at_home_by_what_others_try() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    throttle.succeeded(HERE, Some("erp"));
    (0..20).for_each(|_| throttle.failed(now, THERE, Some("erp")));
    assert!(throttle.is_closed(now, THERE, "erp"));
    assert!(!throttle.is_closed(now, HERE, "erp"));
    // But not to guess from there as well.
    (0..5).for_each(|_| throttle.failed(now, HERE, Some("erp")));
    assert!(throttle.is_closed(now, HERE, "erp"));
}

#[test]
fn one_machine_has_many_addresses_of_ipv6() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    for n in 0..5 {
        throttle.failed(now, format!("2001:db8::{n}").parse().unwrap(), Some(&format!("user{n}")));
    }
    assert!(throttle.is_closed(now, "2001:db8::ffff".parse().unwrap(), "x"));
    assert!(!throttle.is_closed(now, "2001:db8:0:1::1".parse().unwrap(), "x"));
    let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
    assert!(failed(5, now, HERE, "erp").is_closed(now, mapped, "x"));
}

#[test]
fn the_table_is_bounded_and_who_goes_on_failing_stays_in_it() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    for n in 0..100_000_u32 {
        throttle.failed(now, HERE, Some(&n.to_string()));
    }
    let held = throttle.failures.newer.len() + throttle.failures.older.len();
    assert!(held <= 2 * ENTRIES_MAX, "{held}");
    assert!(throttle.is_closed(now, HERE, "x"));
    assert_eq!(
        throttle.failures.get(&Key::Address(HERE)).map(|tally| tally.failures),
        Some(100_000)
    );
}

#[test]
fn without_a_name_only_the_address_counts() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    (0..5).for_each(|_| throttle.failed(now, HERE, None));
    assert!(throttle.is_closed(now, HERE, "erp"));
    for user in ["erp", "", "?"] {
        assert!(!throttle.is_closed(now, THERE, user), "{user:?}");
    }
    throttle.succeeded(HERE, None);
    assert!(!throttle.is_closed(now, HERE, "erp"));
}

#[test]
fn exchanges_that_are_open_at_once_count_before_they_end() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    (0..5).for_each(|_| throttle.begun(now, HERE, "erp"));
    assert!(throttle.is_closed(now, HERE, "erp"));
    // Their ends are not counted again.
    (0..5).for_each(|_| throttle.failed(now, HERE, Some("erp")));
    let tally = throttle.failures.get(&Key::User("erp".to_owned()));
    assert_eq!(tally.map(|tally| tally.failures), Some(5));
    throttle.failed(now, HERE, Some("erp"));
    let tally = throttle.failures.get(&Key::User("erp".to_owned()));
    assert_eq!(tally.map(|tally| tally.failures), Some(6));
}

#[test]
fn a_login_of_ones_own_does_not_forgive_what_was_tried_for_others() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    for n in 0..5 {
        throttle.failed(now, HERE, Some(&format!("user{n}")));
        throttle.succeeded(HERE, Some("own"));
    }
    assert!(throttle.is_closed(now, HERE, "own"));
}

#[test]
fn an_exchange_that_succeeds_was_no_failure() {
    let now = clock::instant();
    let mut throttle = Throttle::default();
    for n in 0..10 {
        let client = if n % 2 == 0 { HERE } else { THERE };
        throttle.begun(now, client, "erp");
        assert!(!throttle.is_closed(now, client, "erp"), "{n}");
        throttle.succeeded(client, Some("erp"));
    }
    // Who is at home may open several at a time.
    (0..10).for_each(|_| throttle.begun(now, HERE, "erp"));
    assert!(!throttle.is_closed(now, HERE, "erp"));
}
