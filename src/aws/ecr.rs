//! ECR, as far as a deploy needs it: whether images are there, and which digests their tags stand for.

use super::calls::Call;
use super::endpoint::Service;
use super::error::{AwsError, some_of};
use super::protocol::{Api, Protocol};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "ECR",
        name: "ecr",
        signed_as: "ecr",
        plain_in_gov: false,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "AmazonEC2ContainerRegistry_V20150921",
    },
};

const DESCRIBE: &str = "DescribeImages";

/// The most that one call describes by name.
const NAMED: usize = 100;
const PAGE: usize = 1000;
/// Pages of a list that only helps: 10,000 images.
const PAGES: usize = 10;

/// A repository of an account's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository<'r> {
    pub account: &'r str,
    pub name: &'r str,
}

/// A tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageId {
    Tag(String),
    Digest(String),
}

/// A tag, and when its image was pushed, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    pub tag: String,
    pub pushed_at: f64,
}

/// ECR in one region.
#[derive(Clone, Copy)]
pub struct Ecr<'c> {
    calls: &'c dyn Call,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    image_details: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    #[serde(rename = "imageDigest")]
    digest: String,
    #[serde(rename = "imageTags")]
    tags: Vec<String>,
    #[serde(rename = "imagePushedAt")]
    pushed_at: f64,
}

impl<'c> Ecr<'c> {
    pub fn new(calls: &'c dyn Call) -> Ecr<'c> {
        Ecr { calls }
    }

    /// The digests of images; those that there are not are not in it.
    pub async fn digests(
        &self,
        repository: Repository<'_>,
        images: &[ImageId],
        deadline: Instant,
    ) -> Result<BTreeMap<ImageId, String>, AwsError> {
        let mut found = BTreeMap::new();
        for images in images.chunks(NAMED) {
            match self.described(repository, images, deadline).await {
                Ok(some) => found.extend(some),
                Err(error) if !error.is("ImageNotFoundException") => return Err(error),
                Err(_) if images.len() == 1 => {}
                // One that is missing hides all of the call's.
                Err(_) => {
                    for image in images {
                        let one = std::slice::from_ref(image);
                        match self.described(repository, one, deadline).await {
                            Ok(some) => found.extend(some),
                            Err(error) if error.is("ImageNotFoundException") => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    async fn described(
        &self,
        repository: Repository<'_>,
        images: &[ImageId],
        deadline: Instant,
    ) -> Result<Vec<(ImageId, String)>, AwsError> {
        let ids: Vec<Value> = images
            .iter()
            .map(|image| match image {
                ImageId::Tag(tag) => json!({"imageTag": tag}),
                ImageId::Digest(digest) => json!({"imageDigest": digest}),
            })
            .collect();
        let names: Vec<&str> = images.iter().map(ImageId::text).collect();
        let resource = format!("{} {}", repository.name, some_of(&names));
        let input = json!({
            "registryId": repository.account,
            "repositoryName": repository.name,
            "imageIds": ids,
        });
        let page: Page = self.read(&resource, input, deadline).await?;
        let known = images.iter().filter_map(|image| {
            let detail = page.image_details.iter().find(|detail| match image {
                ImageId::Tag(tag) => detail.tags.contains(tag),
                ImageId::Digest(digest) => detail.digest == *digest,
            });
            Some((image.clone(), detail?.digest.clone()))
        });
        Ok(known.collect())
    }

    /// All tags of a repository, in any order; of very many, some.
    pub async fn tags(
        &self,
        repository: Repository<'_>,
        deadline: Instant,
    ) -> Result<Vec<Tagged>, AwsError> {
        let input = json!({
            "registryId": repository.account,
            "repositoryName": repository.name,
            "filter": {"tagStatus": "TAGGED"},
            "maxResults": PAGE,
        });
        let pages = self
            .calls
            .pages(&API, DESCRIBE, repository.name, input, PAGES, deadline);
        let pages: Vec<Page> = pages.await?;
        let mut tags = Vec::new();
        for detail in pages.into_iter().flat_map(|page| page.image_details) {
            let pushed_at = detail.pushed_at;
            let tagged = |tag| Tagged { tag, pushed_at };
            tags.extend(detail.tags.into_iter().map(tagged));
        }
        Ok(tags)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        self.calls
            .read(&API, DESCRIBE, resource, input, deadline)
            .await
    }
}

impl ImageId {
    fn text(&self) -> &str {
        match self {
            ImageId::Tag(text) | ImageId::Digest(text) => text,
        }
    }
}
