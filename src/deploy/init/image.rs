//! Images of what runs, with `${SHA}` in place of the commit, and `pin` as it must be for no change.

use crate::deploy::image::{Reference, commit};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How images are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// The commit that `${SHA}` stands for.
    pub sha: Option<String>,
    /// Others that run beside it.
    pub other_shas: Vec<String>,
    /// Some image of ECR runs without a digest, so none may get one.
    pub unpinned: bool,
}

impl Images {
    pub fn of<'d>(definitions: impl Iterator<Item = &'d Map<String, Value>>) -> Images {
        let images: Vec<&str> = definitions.flat_map(images).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for sha in images.iter().filter_map(|image| tag_commit(image)) {
            *counts.entry(sha).or_default() += 1;
        }
        let most = counts.iter().max_by_key(|(_, count)| **count);
        let sha = most.map(|(sha, _)| (*sha).to_owned());
        let others = counts.keys().filter(|one| Some(**one) != sha.as_deref());
        Images {
            other_shas: others.map(|one| (*one).to_owned()).collect(),
            unpinned: images
                .iter()
                .any(|image| Reference::parse(image).is_some() && !image.contains('@')),
            sha,
        }
    }

    /// The image for a file; it must be escaped already.
    pub fn written(&self, image: &str) -> String {
        let is_ecr = Reference::parse(image).is_some();
        let image = match image.split_once('@') {
            // The plan finds it again by the tag.
            Some((name, _)) if is_ecr && !self.unpinned && tag(name).is_some() => name,
            _ => image,
        };
        match &self.sha {
            Some(sha) if !image.contains('@') && tag_commit(image) == Some(sha) => {
                image.replace(sha, "${SHA}")
            }
            _ => image.to_owned(),
        }
    }
}

fn images(definition: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let containers = definition.get("containerDefinitions");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    containers.filter_map(|container| container.get("image")?.as_str())
}

/// Behind the last colon, which may be that of a port before the name.
fn tag(name: &str) -> Option<&str> {
    name.rsplit_once(':')
        .map(|(_, tag)| tag)
        .filter(|tag| !tag.contains('/'))
}

fn tag_commit(image: &str) -> Option<&str> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    commit(tag(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_commit_that_most_run_is_the_one() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app";
        let digest = format!("sha256:{}", "0".repeat(64));
        let images = [
            format!("{ecr}:{a}@{digest}"),
            format!("{ecr}:web-{a}@{digest}"),
            format!("{ecr}:{b}@{digest}"),
            format!("{ecr}@{digest}"),
            format!("localhost:5000/{a}"),
            format!("redis:7@{digest}"),
        ];
        let containers: Vec<Value> = images.iter().map(|image| json!({"image": image})).collect();
        let definition = json!({"containerDefinitions": containers});
        let found = Images::of(definition.as_object().into_iter());
        let expected = Images {
            sha: Some(a.clone()),
            other_shas: vec![b.clone()],
            unpinned: false,
        };
        assert_eq!(found, expected);
        let written: Vec<String> = images.iter().map(|image| found.written(image)).collect();
        assert_eq!(
            written,
            [
                format!("{ecr}:${{SHA}}"),
                format!("{ecr}:web-${{SHA}}"),
                format!("{ecr}:{b}"),
                images[3].clone(),
                images[4].clone(),
                images[5].clone(),
            ]
        );
        let unpinned = Images {
            unpinned: true,
            ..found
        };
        assert_eq!(unpinned.written(&images[0]), images[0]);
        assert_eq!(
            unpinned.written(&format!("{ecr}:{a}")),
            format!("{ecr}:${{SHA}}")
        );
    }
}
