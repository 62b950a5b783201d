//! Links between the pages, and to files of the repository.

use super::page::Page;
use crate::support::repository;
use std::path::Path;

fn problem(page: &Page, target: &str) -> Option<String> {
    if target.contains("://") {
        return (!target.starts_with("https://")).then(|| "is no https address".to_owned());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&page.name).parent().unwrap();
    let name = if file.is_empty() {
        page.name.clone()
    } else {
        folder.join(file).display().to_string()
    };
    if !repository(&name).exists() {
        return Some("there is no such file".to_owned());
    }
    let known = anchor.is_empty() || Page::read(&name).anchors().iter().any(|one| one == anchor);
    (!known).then(|| format!("no heading is {anchor}"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    let mut count = 0;
    for page in Page::all() {
        for (line, target) in page.links() {
            count += 1;
            let found = problem(&page, &target);
            problems.extend(found.map(|why| format!("{}:{line}: {target}: {why}", page.name)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(count > 20, "only {count} links");
}

#[test]
fn every_page_is_reached_from_the_readme() {
    let links = Page::read("README.md").links();
    for page in Page::all() {
        let linked = links
            .iter()
            .any(|(_, target)| target.split('#').next() == Some(&page.name));
        assert!(linked || page.name == "README.md", "{}", page.name);
    }
}

#[test]
fn a_dead_link_is_found() {
    let page = Page::parse("docs/x.md", "# A b-c: `d`\n");
    for good in [
        "#a-b-c-d",
        "modes.md",
        "modes.md#stop",
        "../README.md",
        "https://x",
    ] {
        let found = match good.strip_prefix('#') {
            Some(anchor) => page.anchors().iter().any(|one| one == anchor),
            None => problem(&page, good).is_none(),
        };
        assert!(found, "{good}");
    }
    for bad in ["nope.md", "modes.md#nope", "README.md", "http://x"] {
        assert!(problem(&page, bad).is_some(), "{bad}");
    }
}
