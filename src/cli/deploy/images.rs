//! Images of ECR for commands that deploy: looked up, refused where missing, and pinned.

use crate::aws::Clients;
use crate::cli::{Failure, warn};
use crate::deploy::config::Config;
use crate::deploy::image::{self, Found};
use std::process::Command;
use std::time::Instant;

/// Commits that are looked at for one with an image.
const ANCESTORS: &str = "200";

/// What ECR says of the images of `config`.
pub(super) async fn find(config: &Config, clients: &Clients, deadline: Instant) -> Found {
    let region = |region: &str| clients.calls_in(region);
    image::find(config, &region, &ancestors, deadline).await
}

/// The config as it is deployed: every image of ECR is there, and pinned to its digest unless `pin: false`.
pub(super) async fn pinned(
    config: &Config,
    clients: &Clients,
    deadline: Instant,
) -> Result<Config, Failure> {
    let found = find(config, clients, deadline).await;
    let mut lines: Vec<String> = found.missing.iter().map(ToString::to_string).collect();
    for (image, error) in &found.unread {
        let line = format!("image {image}: {error}");
        if config.pin {
            lines.push(format!("{line}; or write pin: false, to deploy it unseen"));
        } else {
            warn(&line);
        }
    }
    if lines.is_empty() {
        Ok(image::pinned(config, &found.digests))
    } else {
        Err(Failure::Lines(lines))
    }
}

/// The commits before one, the nearest first; none if git does not know it.
fn ancestors(sha: &str) -> Vec<String> {
    let mut git = Command::new("git");
    git.args([
        "log",
        "--first-parent",
        "--format=%H",
        "-n",
        ANCESTORS,
        "--end-of-options",
        sha,
    ]);
    let Ok(output) = git.output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().skip(1).map(str::to_owned).collect()
}
