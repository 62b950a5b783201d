//! Requests in flight and in the queue while a web server stops.

use super::{PLACES, PUMA, UNICORN, ended_gracefully, together};
use crate::support::http::Request;
use crate::support::rails::Server;
use nix::sys::signal::Signal;

const STOPS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT];

#[test]
fn unicorn_answers_what_is_in_flight() {
    let cases = PLACES
        .into_iter()
        .flat_map(|place| STOPS.map(|signal| (place, signal)));
    together(cases, |(place, signal)| {
        let server = Server::start(place(), UNICORN);
        let slow = server.begin_slow(5.0);
        let done = server.stop_during(slow, signal).expect(0);
        ended_gracefully(&done, signal.as_str(), &["SIGQUIT"]);
        assert_eq!(done.line("stop")["sender"], "outside the container");
    });
}

#[test]
fn puma_answers_what_is_in_flight() {
    let cases = PLACES.into_iter().flat_map(|place| {
        [
            ("0", Signal::SIGTERM),
            ("2", Signal::SIGTERM),
            ("0", Signal::SIGINT),
            ("2", Signal::SIGQUIT),
        ]
        .map(|(workers, signal)| (place, workers, signal))
    });
    together(cases, |(place, workers, signal)| {
        let server = Server::start(place().env("WEB_CONCURRENCY", workers), PUMA);
        let slow = server.begin_slow(5.0);
        // Puma ends by the TERM that it got, which is its way of a graceful end.
        let done = server.stop_during(slow, signal).expect(143);
        ended_gracefully(&done, signal.as_str(), &["SIGTERM"]);
    });
}

#[test]
fn a_drain_answers_what_waits_in_the_queue() {
    let mode = UNICORN.replace("drain: 0s", "drain: 14s");
    let server = Server::start(PLACES[0](), &mode);
    let requests: Vec<_> = (0..20)
        .map(|_| Request::send(server.port, "/slow?s=0.8").unwrap())
        .collect();
    server
        .running
        .stdout
        .wait_for_nth(r#"Started GET "/slow"#, 2);
    server.running.signal(Signal::SIGTERM);
    server.running.stderr.wait_for(r#""event":"stopping""#);
    assert!(requests.iter().filter(|one| one.pending()).count() > 10);
    for (number, request) in requests.into_iter().enumerate() {
        let answer = request.answer();
        let answer = answer.unwrap_or_else(|error| panic!("request {number} was lost: {error}"));
        assert_eq!(answer.0, 200, "request {number}");
    }
    let done = server.running.finish().expect(0);
    ended_gracefully(&done, "SIGTERM", &["SIGQUIT"]);
}
