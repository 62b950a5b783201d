//! The file: both forms, everything it may hold, and every error.

use super::support::{config, variable};
use entry::autoscale::config::{Busy, Capacity, Config, load};
use entry::config::Text;
use std::fs;

fn fixture(name: &str) -> Config {
    config(&fs::read_to_string(format!("tests/fixtures/autoscale/{name}")).unwrap())
}

#[test]
fn the_old_form_means_the_same() {
    let new = fixture("new.yml");
    assert_eq!(fixture("old.yml"), new);
    let [web, workers] = &new.groups[..] else {
        panic!("{new:?}");
    };
    assert_eq!(web.id.to_string(), "group web-nodes in eu-central-1");
    assert_eq!(web.buffer, Capacity::units(1));
    assert_eq!(web.removal.busy, Busy::Keep);
    assert_eq!(
        workers.id.to_string(),
        "spot fleet sfr-0123 in eu-central-1"
    );
    assert!(workers.disable_draining && !web.disable_draining);
    let service = &web.services[0];
    assert_eq!(service.id.to_string(), "service main/web in eu-central-1");
    assert_eq!(service.levels.maxima, [10, 25]);
    let steps: Vec<u32> = service.upscale.iter().map(|trigger| trigger.step).collect();
    assert_eq!(steps, [1, 2]);
    let idle = &service.downscale[1];
    assert_eq!(idle.alarm.to_string(), "alarm idle in us-east-1");
    assert!(idle.prioritized);
    let names: Vec<_> = workers
        .services
        .iter()
        .map(|service| &*service.id.name)
        .collect();
    assert_eq!(names, ["worker", "mailer"]);
    assert_eq!(workers.services[1].required_capacity.to_string(), "1.5");
    assert_eq!(workers.services[1].idle.as_secs(), 60);
    assert_eq!(
        new.interruption_queues[0].region.as_deref(),
        Some("eu-central-1")
    );
}

/// Every folder-less rule: `NAME.yml` breaks it, `NAME.txt` holds the whole error.
#[test]
fn every_rule_has_its_error() {
    let folder = "tests/fixtures/autoscale-bad";
    let mut rules: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    rules.sort();
    let mut failures = Vec::new();
    for rule in &rules {
        let text = Text {
            file: "f.yml".to_owned(),
            text: fs::read_to_string(rule).unwrap(),
        };
        let found = match load(&text, &variable) {
            Ok(loaded) if loaded.warnings.is_empty() => String::new(),
            Ok(loaded) => format!("warnings:\n{}", loaded.warnings),
            Err(problems) => problems.to_string(),
        };
        let expected = fs::read_to_string(rule.with_extension("txt")).unwrap_or_default();
        if found != expected.trim_end() || found.is_empty() {
            failures.push(format!(
                "{}\n--- expected\n{expected}\n--- found\n{found}\n",
                rule.display()
            ));
        }
        assert!(!found.contains("canary-4711"), "{found}");
    }
    assert!(failures.is_empty(), "{}", failures.concat());
    assert!(rules.len() > 20, "only {} rules", rules.len());
}
