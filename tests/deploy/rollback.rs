//! Which revision is gone back to: the gem's own table, its bugs, and every refusal.

use entry::deploy::rollback::{Ended, Past, To, choose, retire};

fn arn(number: u32) -> String {
    format!("arn:aws:ecs:us-east-1:1:task-definition/myapp:{number}")
}

/// Numbers of revisions in the order of their deployments; negative ones failed.
fn history(numbers: &[i32]) -> Vec<Past> {
    let past = |number: &i32| Past {
        definition: arn(number.unsigned_abs()),
        sha: Some(format!("{:x}", number.unsigned_abs() * 0x11111)),
        ended: if *number > 0 { Ended::Good } else { Ended::Bad },
    };
    numbers.iter().map(past).collect()
}

fn chosen(current: u32, numbers: &[i32], to: &To) -> Result<String, String> {
    let target = choose(&arn(current), &history(numbers), to, &|_| true);
    target
        .map(|arn| arn.rsplit(':').next().unwrap().to_owned())
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn the_gem_s_table() {
    // README.md of ecs_deploy, "Rollback example": the services' revisions, and what the next rollback gives.
    let table: [(&[i32], &str); 3] = [
        (&[12, 13, 14], "13"),
        (&[12, 13, 14, 13], "12"),
        (&[12, 13, 14, 13, 12, 15], "12"),
    ];
    for (deployed, next) in table {
        let current = deployed.last().unwrap().unsigned_abs();
        assert_eq!(
            chosen(current, deployed, &To::LastGood).as_deref(),
            Ok(next),
            "{deployed:?}"
        );
    }
}

#[test]
fn steps_count_what_served() {
    let table: [(u32, &[i32], usize, &str); 6] = [
        (14, &[12, 13, 14], 2, "12"),
        // Registered only, or never well: no step.
        (15, &[12, -13, -14, 15], 1, "12"),
        // What runs now is failing: the last that served.
        (16, &[12, 15, -16], 1, "15"),
        (16, &[12, 15, -16], 2, "12"),
        // A deploy of the same again is one.
        (15, &[12, 15, 15, 15], 1, "12"),
        // Not in the history at all, since AWS has forgotten it or the gem could not list it.
        (99, &[12, 15], 1, "15"),
    ];
    for (current, deployed, steps, target) in table {
        let found = chosen(current, deployed, &To::Steps(steps));
        assert_eq!(
            found.as_deref(),
            Ok(target),
            "{current} {deployed:?} {steps}"
        );
    }
}

#[test]
fn a_revision_or_a_commit_is_named() {
    let deployed = [12, 13, -14, 15];
    for name in ["12", "myapp:12", &arn(12)] {
        let found = chosen(15, &deployed, &To::Revision(name.to_owned()));
        assert_eq!(found.as_deref(), Ok("12"), "{name}");
    }
    let sha = |text: &str| chosen(15, &deployed, &To::Sha(text.to_owned()));
    // 13 * 0x11111
    assert_eq!(sha("dddd").as_deref(), Ok("13"));
    assert_eq!(
        sha("f00").unwrap_err(),
        "f00 never served here, known are myapp:12, myapp:13, myapp:15"
    );
    assert_eq!(
        sha("").unwrap_err(),
        " fits several of them: myapp:12, myapp:13, myapp:15"
    );
}

#[test]
fn every_refusal() {
    let said = |current, deployed: &[i32], to| chosen(current, deployed, &to).unwrap_err();
    assert_eq!(
        said(12, &[12], To::LastGood),
        "nothing is known of what ran before myapp:12: name a revision with --to"
    );
    assert_eq!(
        said(14, &[12, 13, 14], To::Steps(3)),
        "only 2 deployments served before this one: give --steps 2 or fewer, or --to"
    );
    // It failed, so it is no target.
    assert_eq!(
        said(15, &[12, -14, 15], To::Revision("14".to_owned())),
        "14 never served here, known are myapp:12, myapp:15"
    );
    assert_eq!(
        said(15, &[12, 15], To::Revision("15".to_owned())),
        "myapp:15 is what runs already"
    );
    let gone = choose(&arn(15), &history(&[12, 15]), &To::LastGood, &|_| false);
    assert_eq!(
        gone.unwrap_err().to_string(),
        "myapp:12 was deregistered, and cannot run again: deploy its commit"
    );
}

#[test]
fn the_bad_revision_goes_last_and_alone() {
    let bad = arn(14);
    assert_eq!(retire(&bad, Ended::Good, &["myapp:13"]), Some(bad.as_str()));
    assert_eq!(retire(&bad, Ended::InProgress, &[]), None);
    assert_eq!(retire(&bad, Ended::Bad, &[]), None);
    // A rule or another service still starts it.
    assert_eq!(retire(&bad, Ended::Good, &["myapp:13", "myapp:14"]), None);
}
