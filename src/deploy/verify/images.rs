//! Images: ECR has them.

use super::Finding;
use crate::deploy::image::Found;

pub fn findings(found: &Found) -> Vec<Finding> {
    let missing = found.missing.iter();
    let mut findings: Vec<Finding> = missing
        .map(|missing| Finding::error("", missing.to_string()))
        .collect();
    let unread = found.unread.iter();
    findings.extend(unread.map(|(image, error)| {
        Finding::note(&format!("image {image}"), format!("not checked: {error}"))
    }));
    if !found.elsewhere.is_empty() {
        let message = format!(
            "only images of ECR are checked, not {}",
            found.elsewhere.join(", ")
        );
        findings.push(Finding::note("", message));
    }
    findings
}
