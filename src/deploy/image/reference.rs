//! The name of an image of ECR, taken apart.

use crate::aws::{ImageId, Repository};

/// `123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:tag@sha256:…`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub account: String,
    pub region: String,
    pub repository: String,
    /// What of it is looked up: the digest if there is one, else the tag.
    pub id: ImageId,
}

impl Reference {
    /// `None` for an image of another registry.
    #[must_use]
    pub fn parse(image: &str) -> Option<Reference> {
        let (host, rest) = image.split_once('/')?;
        let (account, host) = host.split_once('.')?;
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // The second is the one that has IPv6, too.
        let host = host
            .strip_prefix("dkr.ecr")
            .or_else(|| host.strip_prefix("dkr-ecr"))?;
        let host = host.strip_prefix("-fips").unwrap_or(host);
        let (region, _) = host.strip_prefix('.')?.split_once('.')?;
        let (name, digest) = match rest.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (rest, None),
        };
        let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
        let id = match digest {
            Some(digest) => ImageId::Digest(digest.to_owned()),
            None => ImageId::Tag(tag.to_owned()),
        };
        let fine = !repository.is_empty() && !region.is_empty();
        fine.then(|| Reference {
            account: account.to_owned(),
            region: region.to_owned(),
            repository: repository.to_owned(),
            id,
        })
    }

    #[must_use]
    pub fn in_repository(&self) -> Repository<'_> {
        Repository {
            account: &self.account,
            name: &self.repository,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_ecr_are_known() {
        let tag = |tag: &str| ImageId::Tag(tag.to_owned());
        let digest = ImageId::Digest("sha256:aa".to_owned());
        let table = [
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
                "eu-west-1",
                "app",
                tag("v1"),
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app",
                "cn-north-1",
                "team/app",
                tag("latest"),
            ),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app:v1@sha256:aa",
                "us-east-1",
                "app",
                digest.clone(),
            ),
            (
                "123456789012.dkr-ecr.eu-west-1.on.aws/app@sha256:aa",
                "eu-west-1",
                "app",
                digest,
            ),
        ];
        for (image, region, repository, id) in table {
            let expected = Reference {
                account: "123456789012".to_owned(),
                region: region.to_owned(),
                repository: repository.to_owned(),
                id,
            };
            assert_eq!(Reference::parse(image), Some(expected), "{image}");
        }
    }

    #[test]
    fn images_of_others_are_not() {
        for image in [
            "app:v1",
            "library/app",
            "quay.io/a/b:1",
            "public.ecr.aws/nginx/nginx:1",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/app",
            "123456789012.dkr.ecr.eu-west-1/app",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/:v1",
            "123456789012.dkr.ecrx.eu-west-1.amazonaws.com/app",
        ] {
            assert_eq!(Reference::parse(image), None, "{image}");
        }
    }
}
