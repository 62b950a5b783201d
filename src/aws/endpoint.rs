//! Where a service is reached: as the environment or the profile says, else by its region. The SDK has this
//! in each service's crate only.

use super::error::{AwsError, Kind};
use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// A service that is called without an SDK crate of its own.
#[derive(Debug)]
pub(super) struct Service {
    /// The name in `AWS_ENDPOINT_URL_…` and in a profile's `services`, `Secrets Manager`.
    pub id: &'static str,
    /// The first part of its host name, and of its IAM actions.
    pub name: &'static str,
    /// The name in a signature; mostly the same.
    pub signed_as: &'static str,
    /// Whether the ordinary host of GovCloud is the FIPS one, too.
    pub plain_in_gov: bool,
}

/// What of the settings the host name depends on.
#[derive(Clone, Copy, Debug, Default)]
struct Variant {
    fips: bool,
    dual_stack: bool,
}

/// The URL that `service` is called at.
pub(super) fn find(service: &Service, config: &SdkConfig) -> Result<String, AwsError> {
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .zip(config.service_config())
        .and_then(|(key, settings)| settings.load_config(key));
    if let Some(url) = own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        return Ok(url);
    }
    let region = config.region().map(AsRef::as_ref).unwrap_or_default();
    let variant = Variant {
        fips: config.use_fips() == Some(true),
        dual_stack: config.use_dual_stack() == Some(true),
    };
    regional(service, region, variant).ok_or_else(|| {
        let detail = format!("{region:?} is not the name of a region");
        AwsError::new(Kind::Region, "region", "", detail)
    })
}

/// `None` if the region's name could lead to another host.
fn regional(service: &Service, region: &str, variant: Variant) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || !region.bytes().all(plain) {
        return None;
    }
    let (suffix, dual_stack) = suffixes(region);
    let suffix = if variant.dual_stack {
        dual_stack
    } else {
        suffix
    };
    let as_fips = service.plain_in_gov && region.starts_with("us-gov-");
    let fips = if variant.fips && !as_fips {
        "-fips"
    } else {
        ""
    };
    let name = service.name;
    Some(format!("https://{name}{fips}.{region}.{suffix}"))
}

/// The domain of a region's partition, and the one that has IPv6, too.
fn suffixes(region: &str) -> (&'static str, &'static str) {
    const PARTITIONS: [(&str, &str, &str); 6] = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    let of_region = |(prefix, _, _): &&(&str, &str, &str)| region.starts_with(prefix);
    PARTITIONS
        .iter()
        .find(of_region)
        .map_or(("amazonaws.com", "api.aws"), |(_, suffix, dual_stack)| {
            (suffix, dual_stack)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_follows_from_region_and_variant() {
        let service = |name, plain_in_gov| Service {
            id: "",
            name,
            signed_as: name,
            plain_in_gov,
        };
        let (ssm, secrets) = (service("ssm", true), service("secretsmanager", false));
        let variant = |fips, dual_stack| Variant { fips, dual_stack };
        let table = [
            (
                &ssm,
                "eu-west-1",
                variant(false, false),
                "ssm.eu-west-1.amazonaws.com",
            ),
            (
                &ssm,
                "us-east-1",
                variant(true, false),
                "ssm-fips.us-east-1.amazonaws.com",
            ),
            (
                &ssm,
                "us-east-1",
                variant(false, true),
                "ssm.us-east-1.api.aws",
            ),
            (
                &ssm,
                "us-gov-west-1",
                variant(true, false),
                "ssm.us-gov-west-1.amazonaws.com",
            ),
            (
                &secrets,
                "us-gov-west-1",
                variant(true, true),
                "secretsmanager-fips.us-gov-west-1.api.aws",
            ),
            (
                &ssm,
                "cn-north-1",
                variant(false, false),
                "ssm.cn-north-1.amazonaws.com.cn",
            ),
            (
                &ssm,
                "cn-north-1",
                variant(false, true),
                "ssm.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                &ssm,
                "us-isob-east-1",
                variant(false, false),
                "ssm.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                &ssm,
                "eusc-de-east-1",
                variant(false, false),
                "ssm.eusc-de-east-1.amazonaws.eu",
            ),
        ];
        for (service, region, variant, host) in table {
            let url = regional(service, region, variant);
            assert_eq!(url, Some(format!("https://{host}")), "{region} {variant:?}");
        }
    }

    #[test]
    fn a_region_cannot_name_another_host() {
        let ssm = Service {
            id: "SSM",
            name: "ssm",
            signed_as: "ssm",
            plain_in_gov: true,
        };
        for region in [
            "",
            "evil.example/",
            "eu west",
            "a@b",
            "EU-WEST-1",
            "x:1",
            "a#",
        ] {
            assert_eq!(regional(&ssm, region, Variant::default()), None, "{region}");
        }
    }
}
