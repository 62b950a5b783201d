//! Jobs and tasks that a stop finds half done: sidekiq's go on or back to Redis, a migration ends or
//! is rolled back.

use super::{PLACES, ended_gracefully};
use crate::support::rails::{app, with_app};
use crate::support::redis::Redis;
use crate::support::{Entry, Finished, Running, wait};
use nix::sys::signal::Signal;
use std::path::Path;
use std::process::Command;

/// A sidekiq that has begun with one job.
struct Worker {
    redis: Redis,
    running: Running,
}

impl Worker {
    fn busy(place: fn() -> Entry, options: &str, seconds: f64) -> Worker {
        let entry = with_app(place());
        let redis = Redis::start(entry.folder());
        redis.push_nap(seconds, "first");
        let mode =
            format!("workdir: ${{APP}}\ncommand: bundle exec sidekiq {options}\nstop: sidekiq");
        let entry = entry.env("REDIS_URL", redis.url());
        let running = entry.mode("worker", &mode).args(["worker"]).start();
        let worker = Worker { redis, running };
        wait::until("the job runs", || worker.wrote("start first").then_some(()));
        worker
    }

    fn wrote(&self, line: &str) -> bool {
        naps(self.running.folder()).iter().any(|one| one == line)
    }

    fn stop(&self) {
        self.running.signal(Signal::SIGTERM);
        self.running.stderr.wait_for(r#""event":"stopping""#);
    }
}

/// What the jobs wrote.
fn naps(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("naps.log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn sidekiq_finishes_the_job_that_runs() {
    for place in PLACES {
        let worker = Worker::busy(place, "-t 20", 5.0);
        worker.stop();
        assert!(!worker.wrote("done first"), "it ended before the stop");
        let done = worker.running.finish().expect(0);
        assert_eq!(naps(done.folder()), ["start first", "done first"]);
        assert_eq!(worker.redis.queued(), 0);
        ended_gracefully(&done, "SIGTERM", &["SIGTERM"]);
    }
}

#[test]
fn sidekiq_gives_a_job_that_overruns_back() {
    // With a `-t` of 2 s or less sidekiq's idle threads are still fetching then: one of them takes the
    // job back and dies with it, entry or not.
    let worker = Worker::busy(PLACES[0], "-t 4", 30.0);
    worker.stop();
    let done = worker.running.finish().expect(0);
    assert_eq!(naps(done.folder()), ["start first"]);
    assert_eq!(worker.redis.queued(), 1, "the job is lost");
    ended_gracefully(&done, "SIGTERM", &["SIGTERM"]);
    assert!(done.line("stop")["stop_ms"].as_u64().unwrap() < 27_000);
}

#[test]
fn tstp_reaches_sidekiq_and_quiets_it() {
    let worker = Worker::busy(PLACES[0], "-t 20", 4.0);
    worker.running.signal(Signal::SIGTSTP);
    worker.running.stdout.wait_for("Received TSTP");
    // Threads that wait for a job already take one more, by sidekiq's own design.
    wait::until("no thread waits for a job", || {
        (worker.redis.blocked_clients() == 0).then_some(())
    });
    worker.redis.push_nap(0.0, "late");
    // Four idle threads would have taken it long before the first job is done.
    wait::until("the first job ends", || {
        worker.wrote("done first").then_some(())
    });
    assert!(!worker.wrote("start late"));
    worker.stop();
    let done = worker.running.finish().expect(0);
    assert_eq!(naps(done.folder()), ["start first", "done first"]);
    assert_eq!(worker.redis.queued(), 1);
}

/// Stops `rake db:migrate` in its second, slow migration.
fn interrupted_migration(stop: &str, seconds: &str) -> Finished {
    let mode = format!("workdir: ${{APP}}\ncommand: bundle exec rake db:migrate\nstop: {stop}");
    let running = with_app(Entry::pid1())
        .env("MIGRATION_SLEEP", seconds)
        .mode("release", &mode)
        .args(["release"])
        .start();
    running.stdout.wait_for("AddNoteToVisits: migrating");
    running.signal(Signal::SIGTERM);
    let done = running.finish();
    let line = done.line("stop");
    assert_eq!(line["signal"], "SIGTERM");
    assert_eq!(line["sender"], "outside the container");
    assert_eq!(line["forced"], false);
    done
}

/// How many migrations the database says it has, and whether the second one's column is there.
fn migrated(folder: &Path) -> String {
    let script = "db = SQLite3::Database.new(ARGV[0], readonly: true); \
        versions = db.execute('select version from schema_migrations').size; \
        print versions, ' ', db.table_info('visits').any? { |column| column['name'] == 'note' }";
    let output = Command::new("ruby")
        .args(["-rsqlite3", "-e", script])
        .arg(folder.join("app.sqlite3"))
        .current_dir(app())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_deferred_stop_lets_a_migration_finish() {
    let done = interrupted_migration("{defer: 20s}", "5").expect(0);
    assert_eq!(migrated(done.folder()), "2 true");
    ended_gracefully(&done, "SIGTERM", &[]);
}

#[test]
fn a_migration_that_is_stopped_is_rolled_back() {
    let done = interrupted_migration("plain", "20").expect(1);
    assert_eq!(migrated(done.folder()), "1 false");
    ended_gracefully(&done, "SIGTERM", &["SIGTERM"]);
}
