//! ECR asked for every image of a file, with a call for each repository.

use super::closest::{Closest, closest};
use super::{Digests, Reference, images};
use crate::aws::{AwsError, Call, Ecr, ImageId, Kind};
use crate::deploy::config::Config;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

/// What ECR says of the images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub digests: Digests,
    pub missing: Vec<Missing>,
    /// Images that could not be asked for, with why.
    pub unread: Vec<(String, AwsError)>,
    /// Images of other registries.
    pub elsewhere: Vec<String>,
}

/// An image that ECR does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub image: String,
    /// `None`: there is no such repository.
    pub closest: Option<Closest>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = &self.image;
        match &self.closest {
            None => write!(
                f,
                "image {image}: ECR has no such repository: correct its name"
            ),
            Some(closest) => write!(
                f,
                "image {image}: ECR does not have it: push it first, or name another commit; {closest}"
            ),
        }
    }
}

/// Looks all images up. `region` gives the calls of a registry's region, and `ancestors` the commits before
/// one, the nearest first.
pub async fn find<C: Call>(
    config: &Config,
    region: &dyn Fn(&str) -> C,
    ancestors: &dyn Fn(&str) -> Vec<String>,
    deadline: Instant,
) -> Found {
    let mut found = Found::default();
    let mut repositories: BTreeMap<[String; 3], Vec<(String, Reference)>> = BTreeMap::new();
    for image in images(config) {
        let Some(reference) = Reference::parse(&image) else {
            found.elsewhere.push(image);
            continue;
        };
        let Reference {
            region,
            account,
            repository,
            ..
        } = reference.clone();
        let named = repositories.entry([region, account, repository]);
        named.or_default().push((image, reference));
    }
    for ([name, _, _], named) in &repositories {
        let calls = region(name);
        in_repository(named, Ecr::new(&calls), ancestors, deadline, &mut found).await;
    }
    found
}

async fn in_repository(
    named: &[(String, Reference)],
    ecr: Ecr<'_>,
    ancestors: &dyn Fn(&str) -> Vec<String>,
    deadline: Instant,
    found: &mut Found,
) {
    let Some((_, first)) = named.first() else {
        return;
    };
    let repository = first.in_repository();
    let ids: Vec<ImageId> = named.iter().map(|(_, one)| one.id.clone()).collect();
    let digests = match ecr.digests(repository, &ids, deadline).await {
        Ok(digests) => digests,
        Err(error) => {
            for (image, _) in named {
                if error.kind == Kind::NotFound {
                    found.missing.push(Missing {
                        image: image.clone(),
                        closest: None,
                    });
                } else {
                    found.unread.push((image.clone(), error.clone()));
                }
            }
            return;
        }
    };
    let mut tags = None;
    for (image, reference) in named {
        if let Some(digest) = digests.get(&reference.id) {
            found.digests.insert(image.clone(), digest.clone());
            continue;
        }
        if tags.is_none() {
            // They only help: without them the image is missing all the same.
            tags = Some(ecr.tags(repository, deadline).await.unwrap_or_default());
        }
        let tags = tags.as_deref().unwrap_or_default();
        let tag = match &reference.id {
            ImageId::Tag(tag) => tag,
            ImageId::Digest(_) => "",
        };
        found.missing.push(Missing {
            image: image.clone(),
            closest: Some(closest(tag, tags, ancestors)),
        });
    }
}
