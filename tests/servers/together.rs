//! A whole app in one container: Redis, unicorn and sidekiq as codependent processes.

use super::PLACES;
use crate::support::rails::{Server, with_app};
use crate::support::redis::Redis;
use crate::support::{Entry, Finished, http, wait};
use nix::sys::signal::Signal;

fn mode(redis: &str) -> String {
    format!(
        "workdir: ${{APP}}
output: prefixed
processes:
  worker:
    command: bundle exec sidekiq -t 20
    after: [redis, web]
    ready: {{line: Running in ruby}}
    stop: sidekiq
  web:
    command: bundle exec unicorn -c config/unicorn.rb
    after: redis
    ready: {{http: \"http://127.0.0.1:${{PORT}}/up\"}}
    stop: {{preset: unicorn, drain: 0s}}
  redis:
    command: redis-server --port 0 --save '' --unixsocket {redis} --dir ${{APP_TMP}}
    ready: {{tcp: \"unix:{redis}\"}}
before:
  - command: mkdir -p ${{APP_TMP}}
  - command: bundle exec rake db:migrate
    timeout: 50s
"
    )
}

/// The processes of an event, in its order.
fn order(done: &Finished, event: &str) -> Vec<String> {
    let lines = done.lines();
    let of_event = lines.iter().filter(|line| line["event"] == event);
    of_event
        .map(|line| line["process"].as_str().unwrap().to_owned())
        .collect()
}

fn run(place: fn() -> Entry) {
    let entry = with_app(place());
    let redis = Redis::at(&entry.folder().join("redis.socket"));
    let port = http::free_port();
    let running = entry
        .env("BIND", "127.0.0.1")
        .env("PORT", port.to_string())
        .env("REDIS_URL", redis.url())
        .mode("all", &mode(redis.url().trim_start_matches("unix://")))
        .args(["all"])
        .start();
    for nth in 1..=3 {
        running.stderr.wait_for_nth("process_ready", nth);
    }
    let server = Server::serving(running, port);
    let folder = server.running.folder().to_owned();
    redis.push_nap(2.0, "first");
    let naps = move || std::fs::read_to_string(folder.join("naps.log")).unwrap_or_default();
    wait::until("the job runs", || {
        naps().contains("start first").then_some(())
    });
    let slow = server.begin_slow(4.0);
    server.running.signal(Signal::SIGTERM);
    slow.answered_after_stop(&server.running);
    let done = server.running.finish().expect(0);
    let naps = std::fs::read_to_string(done.folder().join("naps.log")).unwrap();
    assert_eq!(naps, "start first\ndone first\n");
    assert_eq!(order(&done, "process_started"), ["redis", "web", "worker"]);
    assert_eq!(order(&done, "process_ended"), ["worker", "web", "redis"]);
    assert_eq!(done.line("stop")["forced"], false);
    // The hook's output is its own; that of the processes bears their names.
    assert!(done.stdout().contains("migrated"), "{}", done.stdout());
    for name in ["worker | ", "web    | ", "redis  | "] {
        let (out, err) = (done.stdout(), done.stderr());
        let mut lines = out.lines().chain(err.lines());
        assert!(lines.any(|line| line.starts_with(name)), "{name}");
    }
}

#[test]
fn redis_unicorn_and_sidekiq_start_and_stop_as_one() {
    super::together(PLACES, run);
}
